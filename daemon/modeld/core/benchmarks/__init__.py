"""Benchmarks: running them, the weekly schedule, their statistics, and imported results."""

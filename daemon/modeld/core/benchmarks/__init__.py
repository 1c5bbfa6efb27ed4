"""Benchmarks: running them, the weekly schedule, their statistics, and results from outside."""

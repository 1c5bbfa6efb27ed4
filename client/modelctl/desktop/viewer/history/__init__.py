"""The history tab: benchmark results over time."""

"""Models in memory: loading and unloading workers, and the answers they give."""

"""What a model needs in memory, and whether it fits this machine."""

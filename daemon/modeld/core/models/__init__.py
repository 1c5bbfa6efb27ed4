"""Which models there are: the library, and models that other programs keep on this disk."""

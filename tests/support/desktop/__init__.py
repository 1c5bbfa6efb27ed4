"""A virtual desktop, programs that run on it, and tabs without a screen."""

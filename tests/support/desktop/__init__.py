"""A virtual desktop, the programs that run on it, and tabs that need no screen."""

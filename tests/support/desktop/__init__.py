"""A virtual desktop, the programs that run on it, and panes that need no screen."""

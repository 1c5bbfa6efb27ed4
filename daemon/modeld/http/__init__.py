"""Rules for every HTTP request: which addresses are allowed, and how long to wait after a fault."""

"""modelctl: everything that talks to modeld."""

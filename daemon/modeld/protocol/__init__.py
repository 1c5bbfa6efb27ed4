"""The shared vocabulary of modeld and everything that talks to it; msgspec and the standard library only."""

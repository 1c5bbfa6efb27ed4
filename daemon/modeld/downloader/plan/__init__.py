"""The arithmetic of a download, pure: which bytes are missing, who fetches them, how fast."""

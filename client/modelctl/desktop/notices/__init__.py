"""Desktop notifications: what is worth one, what is said, and the ways to show it."""

"""State to picture."""

"""The log tab."""

"""The system monitor tab."""

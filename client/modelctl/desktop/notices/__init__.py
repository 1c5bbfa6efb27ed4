"""Desktop notifications: which events are worth one, their text, and the backends that show them."""

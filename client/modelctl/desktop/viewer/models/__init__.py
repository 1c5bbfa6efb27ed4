"""The list of model cards."""

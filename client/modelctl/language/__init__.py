"""Texts in the user's language: catalogues, formats, names."""

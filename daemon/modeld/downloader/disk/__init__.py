"""A download's files: the partial file, its state, its hash, and files that exist already."""

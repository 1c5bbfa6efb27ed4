"""The benchmark dialog and the comparison."""

"""The downloads tab, the download dialog, and the progress windows."""

"""The viewer's own window or host window, the drawing thread, and the panel with its tabs and dialogs."""

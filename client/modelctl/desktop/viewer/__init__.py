"""The viewer: one panel in DearPyGui, in a window of its own or inside another program's."""

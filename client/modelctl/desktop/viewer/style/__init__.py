"""How the viewer looks: theme, fonts, sizes, colours."""

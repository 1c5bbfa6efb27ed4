"""The viewer's window or host, its loop, and the panel that holds the tabs and dialogs."""

"""The tray icon: its appearance, its menu, and the backends that show it."""

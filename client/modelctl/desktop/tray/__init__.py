"""The tray icon: what it shows, its menu, and the backends that put it on the screen."""

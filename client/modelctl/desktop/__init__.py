"""What the user sees on the desktop: the tray icon, notifications, and the viewer."""

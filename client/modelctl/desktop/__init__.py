"""What a person sees on the desktop: the tray icon, notifications, and the viewer."""

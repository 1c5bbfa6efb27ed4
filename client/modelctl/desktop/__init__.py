"""The desktop programs: the tray icon, notifications, and the viewer."""

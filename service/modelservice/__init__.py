"""Start at login: units and their installer."""

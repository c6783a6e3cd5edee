"""What the window knows, as QObjects (QtCore only)."""

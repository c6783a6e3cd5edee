"""State of the window, as QObjects (QtCore only)."""

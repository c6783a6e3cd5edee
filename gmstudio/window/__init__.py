"""The window's process: Qt and numpy, never torch."""

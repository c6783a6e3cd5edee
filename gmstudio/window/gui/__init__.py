"""What is seen: the main window, its panels and widgets."""

"""Graphical interface of the window: main window, panels, forms and widgets."""

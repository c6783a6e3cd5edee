"""Main window: navigation, menus, banner, status bar, help."""

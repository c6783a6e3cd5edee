"""NADE."""

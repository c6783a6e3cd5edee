"""Layers shared by several branches of families."""

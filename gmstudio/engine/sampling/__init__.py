"""Grids of samples."""

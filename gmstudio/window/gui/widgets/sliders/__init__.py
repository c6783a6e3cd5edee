"""Sliders with typed values."""

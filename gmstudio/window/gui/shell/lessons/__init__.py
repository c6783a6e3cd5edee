"""Lessons in the window: a card below the panel, and outlines around the controls that a step names."""

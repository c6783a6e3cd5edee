"""Scenes of the engine as widgets: rows of blocks."""

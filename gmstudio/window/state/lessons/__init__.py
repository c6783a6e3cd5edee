"""Lessons: guided tours over panels and laboratories, and where the reader is in each."""

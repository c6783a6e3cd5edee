"""Exercises of public courses: their set-ups, read from ``resources/exercises``, and the files that they deliver."""

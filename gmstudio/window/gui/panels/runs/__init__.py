"""Runs panel: the library of runs, comparison, time travel, branches."""

"""Plots: curves, bars, distributions."""

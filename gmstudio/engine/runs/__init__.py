"""Runs on disk in the engine: listing, opening, curves, saved samples."""

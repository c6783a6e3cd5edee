"""Runs on disk in the engine: listing, opening, curves, kept samples."""

"""Data sources in the engine: browsing images, checking a config against a data set."""

"""Loggers: what a run records is written for other programs, too, while it trains."""

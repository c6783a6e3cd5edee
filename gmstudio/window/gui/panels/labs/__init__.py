"""Foundations panel: laboratories, and exercises of public courses."""

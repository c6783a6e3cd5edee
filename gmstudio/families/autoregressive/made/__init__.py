"""MADE."""

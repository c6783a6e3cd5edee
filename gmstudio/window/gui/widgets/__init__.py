"""Reusable widgets; they know arrays, numbers and words, but no messages."""

"""Weights that other programs have trained, taken as runs: read without executing anything, mapped, checked whole."""

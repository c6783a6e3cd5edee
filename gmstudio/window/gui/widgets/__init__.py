"""Reusable widgets of arrays, numbers and text; they import no state and no messages."""

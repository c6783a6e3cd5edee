"""Canvases to paint, select and overlay pixels."""

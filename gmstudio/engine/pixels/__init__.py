"""Pixel-by-pixel generation in the engine: sessions, breakpoints, continuations, attribution, comparison."""

"""A mixture of independent pixels, as a model family of gmstudio."""

"""Statistics by which images are scored, one module each."""

"""Report of a run: what it is, how it was trained, how good it is, and the command that repeats it, as HTML or PDF."""

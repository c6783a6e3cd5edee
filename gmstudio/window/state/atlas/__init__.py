"""What the Atlas shows: taxonomy, live samples, measures, demonstrations."""

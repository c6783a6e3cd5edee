"""Map of many images: points that are panned, zoomed and selected, and images where few points are visible."""

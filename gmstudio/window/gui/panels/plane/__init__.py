"""Plane panel: densities of points over the whole plane, runs side by side."""

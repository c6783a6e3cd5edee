"""Plane with two axes: maps, points, lines, meshes and handles over one another, panned and zoomed."""

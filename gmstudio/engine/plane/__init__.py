"""Models of points in the engine: their density over the grid, what they have inside, and surfaces while they train."""

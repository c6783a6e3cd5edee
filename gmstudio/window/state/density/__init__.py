"""State of the Density panel."""

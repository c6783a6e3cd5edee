"""State of the Plane panel."""

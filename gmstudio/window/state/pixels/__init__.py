"""State of the Pixels panel."""

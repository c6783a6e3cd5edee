"""State of the Features panel."""

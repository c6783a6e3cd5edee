"""Features panel."""

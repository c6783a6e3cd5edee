"""The Pixels panel."""

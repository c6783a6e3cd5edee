"""State of the Chains panel."""

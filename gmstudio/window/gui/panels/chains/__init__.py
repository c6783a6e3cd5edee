"""The Chains panel."""

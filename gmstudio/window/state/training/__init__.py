"""State of the Train panel."""

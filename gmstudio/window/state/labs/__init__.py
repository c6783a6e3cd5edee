"""State of the Foundations panel: laboratories and exercises."""

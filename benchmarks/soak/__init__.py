"""A soak of the real window on a real engine: random actions, with faults injected."""

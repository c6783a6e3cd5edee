"""State that the engine's features share: device, memory, models, data sets."""

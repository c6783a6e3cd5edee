"""State that the features of the engine share: device, memory, models, data sets."""

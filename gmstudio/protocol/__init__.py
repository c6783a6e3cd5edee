"""Messages between the window and the engine: frames, config schemas, cards, and one module per feature."""

"""The Atlas in the engine: live samples, their cost, and demonstrations."""

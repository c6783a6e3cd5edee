"""Latent codes in the engine: decoding, encoding, projection, directions, dimension statistics."""

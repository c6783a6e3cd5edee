"""Autoregressive models: explicit density by the chain rule."""

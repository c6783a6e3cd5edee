"""Scores of a trained model: likelihood, reconstruction, sample quality."""

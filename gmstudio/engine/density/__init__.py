"""Density estimation with trained models: scores of images, anomalies, quality of samples, lossless coding."""

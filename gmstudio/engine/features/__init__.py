"""Features of trained models: classifiers on them, fine-tuning, projections, scores of disentanglement."""

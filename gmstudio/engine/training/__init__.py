"""Training in the engine: the trainer, its job, batches, optimizers, checkpoints, diagnostics."""

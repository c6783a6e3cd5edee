"""Whole-image generation step by step in the engine: Gibbs sampling, denoising, flow layers."""

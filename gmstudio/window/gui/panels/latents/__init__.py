"""The Latents panel."""

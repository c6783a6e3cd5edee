"""State of the Latents panel."""

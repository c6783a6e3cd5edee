"""What the proposals of families for points have in common: runs of seconds."""

from typing import Any

SHORT_RUN: dict[str, Any] = {
    "batch_size": 256,
    "validate_every": 100,
    "sample_every": 200,
    "checkpoint_every": 1000,
    "num_samples": 256,
}
"""Training settings with which validation, samples and checkpoints take less time than the updates."""

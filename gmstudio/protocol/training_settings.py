"""Training settings that are the same for every family."""

from typing import Annotated, Literal

import msgspec

from gmstudio.protocol.config import field

MAX_SEED = 2**31 - 1
"""Largest seed of anything that a person can seed: torch, NumPy and a spin box take it alike."""


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """Training settings that every family has."""

    steps: Annotated[
        int,
        field("Steps", "Stop after this many parameter updates.", ge=1, le=10_000_000, unit="steps", log=True),
    ] = 1000
    batch_size: Annotated[
        int, field("Batch size", "Images per parameter update.", ge=1, le=65_536, unit="images", log=True)
    ] = 64
    learning_rate: Annotated[float, field("Learning rate", "Adam's step size.", gt=0, le=10, log=True)] = 1e-3
    schedule: Annotated[
        Literal["constant", "cosine"],
        field("Schedule", "Keep the learning rate, or lower it to zero along a half cosine over all steps."),
    ] = "constant"
    warmup: Annotated[
        int,
        field(
            "Warm-up",
            "Raise the learning rate linearly over this many first steps.",
            ge=0,
            le=1_000_000,
            unit="steps",
            advanced=True,
        ),
    ] = 0
    grad_clip: Annotated[
        float,
        field(
            "Clip gradient",
            "Scale the gradient down to at most this norm; 0 leaves it alone.",
            ge=0,
            le=1e9,
            advanced=True,
        ),
    ] = 0.0
    precision: Annotated[
        Literal["fp32", "bf16"],
        field(
            "Precision",
            "Arithmetic of the forward pass: 32-bit floats, or bfloat16 (faster on recent hardware, less exact).",
            advanced=True,
        ),
    ] = "fp32"
    cuda_graphs: Annotated[
        Literal["auto", "off"],
        field(
            "CUDA graphs",
            "On a CUDA device, capture an update of the weights once and replay it as a whole, which spares many small "
            "steps their wait for the processor; auto does so where the family allows it. No effect elsewhere.",
            advanced=True,
        ),
    ] = "auto"
    seed: Annotated[
        int,
        field("Seed", "Fixes the initial weights, the order of the data and all noise.", ge=0, le=MAX_SEED),
    ] = 0
    validate_every: Annotated[
        int,
        field(
            "Validate every",
            "Interval of scoring the validation images.",
            ge=1,
            le=10_000_000,
            unit="steps",
            advanced=True,
        ),
    ] = 50
    validation_images: Annotated[
        int,
        field(
            "Validation images",
            "Score at most this many validation images each time.",
            ge=1,
            le=10_000_000,
            unit="images",
            log=True,
            advanced=True,
        ),
    ] = 500
    sample_every: Annotated[
        int,
        field(
            "Sample every",
            "Interval of drawing and keeping a grid of samples.",
            ge=1,
            le=10_000_000,
            unit="steps",
            advanced=True,
        ),
    ] = 50
    checkpoint_every: Annotated[
        int,
        field(
            "Checkpoint every",
            "Interval of writing a checkpoint.",
            ge=1,
            le=10_000_000,
            unit="steps",
            advanced=True,
        ),
    ] = 200
    num_samples: Annotated[
        int,
        field("Samples per grid", "Images in each kept grid.", ge=1, le=256, unit="images", advanced=True),
    ] = 36

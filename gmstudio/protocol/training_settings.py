"""Training settings that are the same for every family."""

from typing import Annotated, Literal

import msgspec

from gmstudio.protocol.config import field

MAX_SEED = 2**31 - 1
"""Largest seed in the program; torch, NumPy and spin boxes all accept it."""


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """Training settings, the same for every family."""

    steps: Annotated[
        int,
        field(
            "Steps", "Stop after this many parameter updates.", ge=1, le=10_000_000, unit="steps", log=True, live=True
        ),
    ] = 1000
    batch_size: Annotated[
        int, field("Batch size", "Images per parameter update.", ge=1, le=65_536, unit="images", log=True, live=True)
    ] = 64
    accumulate: Annotated[
        int,
        field(
            "Accumulate",
            "Batches per parameter update: their gradients are averaged, as if they were one batch as many times as "
            "large, which would not fit into memory.",
            ge=1,
            le=1024,
            unit="batches",
            advanced=True,
            live=True,
        ),
    ] = 1
    optimizer: Annotated[
        Literal["adam", "soap"],
        field(
            "Optimizer",
            "Adam, or SOAP for matrices and kernels of 8 to 1,024 features a side: Adam in the eigenbasis of their "
            "gradients, which learns more from each image. It costs little beside convolutions, and many times the "
            "rest of a step in wide dense layers. The other weights keep Adam.",
            labels={"adam": "Adam", "soap": "SOAP"},
            advanced=True,
            live=True,
        ),
    ] = "adam"
    learning_rate: Annotated[float, field("Learning rate", "Adam's step size.", gt=0, le=10, log=True, live=True)] = (
        1e-3
    )
    soap_rate: (
        Annotated[
            float,
            field(
                "SOAP's learning rate",
                "SOAP's step size; it follows warm-up and schedule like Adam's. Empty: the learning rate.",
                gt=0,
                le=10,
                log=True,
                advanced=True,
                when={"optimizer": "soap"},
                live=True,
            ),
        ]
        | None
    ) = None
    schedule: Annotated[
        Literal["constant", "cosine"],
        field("Schedule", "Constant learning rate, or a half cosine that falls to zero over all steps.", live=True),
    ] = "constant"
    decay_from: Annotated[
        int,
        field(
            "Decay from",
            "With the cosine schedule, keep the full learning rate until this step; the half cosine runs from there to "
            "the last step.",
            ge=0,
            le=10_000_000,
            unit="steps",
            advanced=True,
            live=True,
        ),
    ] = 0
    warmup: Annotated[
        int,
        field(
            "Warm-up",
            "Raise the learning rate linearly from zero over this many steps.",
            ge=0,
            le=1_000_000,
            unit="steps",
            advanced=True,
            live=True,
        ),
    ] = 0
    grad_clip: Annotated[
        float,
        field(
            "Clip gradient",
            "Scale gradients down to at most this norm; 0: no clipping.",
            ge=0,
            le=1e9,
            advanced=True,
            live=True,
        ),
    ] = 0.0
    weight_decay: Annotated[
        float,
        field(
            "Weight decay",
            "Shrink all weights by this share of the learning rate at each update (AdamW); 0: none. With noised data "
            "it is the second setting of a background model.",
            ge=0,
            le=100,
            advanced=True,
            live=True,
        ),
    ] = 0.0
    penalty: Annotated[
        float,
        field(
            "Lasso penalty λ",
            "Add λ times the sum of |w| over all matrices and kernels, not biases, to the loss, which takes weights to "
            "zero that the data do not need; 0: none. The curves of the loss are without it.",
            ge=0,
            le=1e6,
            unit="nats",
            advanced=True,
            live=True,
        ),
    ] = 0.0
    average: Annotated[
        float,
        field(
            "Average of weights",
            "Decay of the exponential moving average of the weights, for example 0.999; 0: none. Validation, samples, "
            "all panels, checkpoints and exports have the average; training goes on from the weights themselves, "
            "whose losses are the training curves.",
            ge=0,
            le=0.99999,
            advanced=True,
            live=True,
        ),
    ] = 0.0
    mutation: Annotated[
        float,
        field(
            "Noised data μ",
            "Replace each sub-pixel of the training images with this probability by a random level, drawn at each "
            "step. Such a background model learns what images have in common and loses what they show; log p minus its "
            "log p is the likelihood ratio of the Density panel. Validation images are not noised.",
            ge=0,
            le=1,
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
            "On a CUDA device, capture an update of the weights once and replay it as a graph, which removes launch "
            "overhead; auto does so where the family allows it. No effect on other devices.",
            advanced=True,
        ),
    ] = "auto"
    seed: Annotated[
        int,
        field("Seed", "Seed of the initial weights, the order of the data and all noise.", ge=0, le=MAX_SEED),
    ] = 0
    validate_every: Annotated[
        int,
        field(
            "Validate every",
            "Steps between two evaluations of the validation images.",
            ge=1,
            le=10_000_000,
            unit="steps",
            advanced=True,
            live=True,
        ),
    ] = 50
    validation_images: Annotated[
        int,
        field(
            "Validation images",
            "Largest number of validation images in an evaluation.",
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
            "Steps between two sample grids that are drawn and saved.",
            ge=1,
            le=10_000_000,
            unit="steps",
            advanced=True,
            live=True,
        ),
    ] = 50
    checkpoint_every: Annotated[
        int,
        field(
            "Checkpoint every",
            "Steps between two checkpoints.",
            ge=1,
            le=10_000_000,
            unit="steps",
            advanced=True,
            live=True,
        ),
    ] = 200
    travel_checkpoints: (
        Annotated[
            int,
            field(
                "Checkpoints for time travel",
                "Older checkpoints that are kept for time travel and branches, spread over the training, their "
                "weights alone. Empty: 12, or as many as fit into 256 MiB; 0: the two newest and those that you keep "
                "are all.",
                ge=0,
                le=1000,
                advanced=True,
                live=True,
            ),
        ]
        | None
    ) = None
    num_samples: Annotated[
        int,
        field("Samples per grid", "Images in each saved grid.", ge=1, le=256, unit="images", advanced=True),
    ] = 36
    log_to: Annotated[
        str,
        field(
            "Log also to",
            "Logs of other programs, written during the training: tensorboard, jsonl or mlflow, with a colon and a "
            "folder, else in the run's own; wandb or trackio, with a colon and a project. Semicolons between several.",
            advanced=True,
        ),
    ] = ""

    @property
    def images_per_update(self) -> int:
        """Images whose gradients are averaged in an update."""
        return self.batch_size * self.accumulate

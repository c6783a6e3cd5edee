"""Settings of the chains that draw samples of an RBM and a GSN: they belong to sampling, and change no weights."""

from typing import Annotated, Literal

from msgspec import Struct

from gmstudio.protocol.config import field

ShownField = Annotated[
    Literal["mean", "sample"],
    field(
        "Frames show",
        "The pixels' means given the latest hidden units, or the image drawn from them, which the chain goes on from.",
        labels={"mean": "mean E[x | h]", "sample": "sampled image x"},
        use="trajectories",
    ),
]


class RBMSampler(Struct, frozen=True, kw_only=True):
    """Settings of sampling from a restricted Boltzmann machine."""

    steps: Annotated[
        int,
        field(
            "Sampling steps",
            "Block Gibbs steps of each sample: the first half is annealed from independent pixels to the machine, the "
            "second is the machine's own chain.",
            ge=1,
            le=1_000_000,
            unit="steps",
            log=True,
            use="samples",
        ),
    ] = 500
    shown: ShownField = "mean"


class GSNSampler(Struct, frozen=True, kw_only=True):
    """Settings of sampling from a generative stochastic network."""

    steps: Annotated[
        int,
        field(
            "Sampling steps",
            "Transitions from noise to each sample.",
            ge=1,
            le=1_000_000,
            unit="steps",
            log=True,
            use="samples",
        ),
    ] = 100
    shown: ShownField = "mean"

"""Messages about comparing runs: their settings side by side, and samples drawn now from the same noise."""

from typing import ClassVar

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event

MAX_DRAWN = 64
"""Images that are drawn of each run."""


class DescribeSettings(Command, frozen=True, kw_only=True):
    """Describe all settings of a run in words; answered with ``SettingsDescribed``."""

    run: str


class DrawCompared(Command, frozen=True, kw_only=True):
    """Draw samples with the weights that are nearest to a training step; answered with ``ComparedDrawn``.

    Args:
        run: the run.
        step: training step; None: the newest weights.
        count: number of images, 1 to ``MAX_DRAWN``.
        seed: of the noise or the codes; runs of one family and size that share it draw from the same ones.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)
    background: ClassVar[bool] = True

    run: str
    step: int | None
    count: int
    seed: int


class SettingDescribed(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of a run.

    Args:
        section: heading that it belongs to, for example ``Training``.
        name: identity within the section, for example ``learning_rate``.
        title: label, for example ``Learning rate``.
        text: value in words, with its unit.
        usual: it has its default; True where there is none.
        idle: it has no effect beside the other settings.
    """

    section: str
    name: str
    title: str
    text: str
    usual: bool = True
    idle: bool = False


class SettingsDescribed(Event, frozen=True, kw_only=True):
    """All settings of a run: model, training, data, and what it ran on."""

    run: str
    settings: tuple[SettingDescribed, ...]


class ComparedDrawn(Event, frozen=True, kw_only=True):
    """Samples of a run.

    Args:
        step: training step of the weights.
        seed: of the noise or the codes.
        kind: as in ``SamplesDrawn``.
        images: (N, C, H, W) uint8, 0 … 255 for showing.
        warnings: a sentence for each checkpoint that was damaged and passed over.
    """

    run: str
    step: int
    seed: int
    kind: str
    images: Array
    warnings: tuple[str, ...] = ()

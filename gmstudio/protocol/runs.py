"""Messages about runs on disk: the library, opening, curves, kept samples, annotations."""

from typing import Any

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.families import LatentSpec, Objective
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training_settings import Training


class ListRuns(Command, frozen=True, kw_only=True):
    """Answered with ``RunsListed``."""


class OpenRun(Command, frozen=True, kw_only=True):
    """Get ready to explore a run (and to show its history); answered with ``RunOpened``, then ``HistoryAppended``."""

    run: str


class FetchSamples(Command, frozen=True, kw_only=True):
    """The kept sample grid of a run at a step (the nearest one not after it); answered with ``SamplesDrawn``."""

    run: str
    step: int


class KeepAnnotations(Command, frozen=True, kw_only=True):
    """Keep small things with a run that a person gave it: names of dimensions, directions; they replace the former."""

    run: str
    annotations: dict[str, Any]


# ---- events: training and runs --------------------------------------------------------------------------------


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A run, as the window shows it.

    Args:
        run: path of the run folder, the run's identity in all messages.
        spec: complete settings.
        status: ``running``, ``paused``, ``stopped``, ``finished``, ``failed`` or ``interrupted`` (the engine died).
        step: steps made.
        best: lowest validation loss so far, or None.
    """

    run: str
    title: str
    spec: RunSpec
    family_title: str
    image: ImageSpec
    status: str
    step: int
    created: str
    capabilities: tuple[str, ...] = ()
    checkpoint_steps: tuple[int, ...] = ()
    best: float | None = None
    message: str = ""

    @property
    def training(self) -> Training:
        """Training settings of ``spec``."""
        return self.spec.training_settings()


class RunOpened(Event, frozen=True, kw_only=True):
    """A run is open for training or exploring.

    Args:
        live: it is the one in training now.
        objective: formula and terms for this run's config.
        latent: its latent space, or None.
        phases: names of its training phases, in order.
        annotations: what ``KeepAnnotations`` kept with the run.
    """

    info: RunInfo
    live: bool
    objective: Objective
    latent: LatentSpec | None
    num_parameters: int
    sample_steps: tuple[int, ...]
    phases: tuple[str, ...] = ()
    annotations: dict[str, Any] = msgspec.field(default_factory=dict)


class RunsListed(Event, frozen=True, kw_only=True):
    """The library of runs, newest first; ``problems`` names the folders that cannot be read, one sentence each."""

    home: str
    runs: tuple[RunInfo, ...]
    problems: tuple[str, ...]


class Series(msgspec.Struct, frozen=True):
    """Consecutive points of one curve: ``name`` in ``split`` (train, valid), int64 steps and float64 values."""

    split: str
    name: str
    steps: Array
    values: Array


class HistoryAppended(Event, frozen=True, kw_only=True):
    """New points of a run's curves; with ``reset`` they replace all there was."""

    run: str
    series: tuple[Series, ...]
    reset: bool = False


class SamplesDrawn(Event, frozen=True, kw_only=True):
    """A grid of samples, (N, C, H, W) uint8, 0 … 255 for showing.

    Args:
        kind: ``samples``, or ``means`` where the decoder's means are shown.
        kept: every step of which a grid is kept, on request; else empty.
    """

    run: str
    step: int
    kind: str
    images: Array
    kept: tuple[int, ...] = ()

"""What the engine tells the window, but for codes and timelines (``latent_events``).

``request`` 0 in an event means that nobody asked.
"""

from typing import Any, Literal

import msgspec

from gmstudio.array import Array
from gmstudio.cards import DataEntry, FamilyEntry, ImageSpec, LatentSpec, Objective, Training


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of what the engine tells the window."""

    request: int = 0


# ---- events: the engine -------------------------------------------------------------------------------------


class Catalog(Event, frozen=True, kw_only=True):
    """The engine's hello: what it is and what it can do.

    Args:
        first_family: the one to begin with.
        problems: families of other packages that cannot be used, a sentence each.
    """

    protocol: int
    version: str
    pid: int
    families: tuple[FamilyEntry, ...]
    data: tuple[DataEntry, ...]
    devices: tuple[str, ...]
    device: str
    training_schema: dict[str, Any]
    first_family: str = ""
    problems: tuple[str, ...] = ()


class Pong(Event, frozen=True, kw_only=True):
    """The engine's process is alive."""


class EngineReported(Event, frozen=True, kw_only=True):
    """Twice a second while something runs, and at each change of state.

    Args:
        state: what the engine is doing.
        device: name for people, for example ``CPU (2 threads)``.
        memory_bytes: resident memory of the process, or memory allocated on the accelerator.
        job: for example ``Training PixelCNN``; empty when idle.
        step: of ``steps``; 0 when the job does not count.
        rate: units per second.
        rate_unit: for example ``images/s``.
        seconds_left: negative when unknown.
    """

    state: Literal["idle", "training", "paused", "busy"]
    device: str
    memory_bytes: int
    job: str = ""
    step: int = 0
    steps: int = 0
    rate: float = 0.0
    rate_unit: str = ""
    seconds_left: float = -1.0


class CommandFailed(Event, frozen=True, kw_only=True):
    """A command could not be done.

    Args:
        command: its class name.
        message: sentences for people.
        fields: for settings, field name → sentence; keys ``config.x``, ``data_config.x``, ``training.x``.
        detail: a traceback when the engine itself is at fault, else empty.
    """

    command: str
    message: str
    fields: dict[str, str] = {}
    detail: str = ""


class Done(Event, frozen=True, kw_only=True):
    """A command without a reply of its own was carried out."""


# ---- events: data -------------------------------------------------------------------------------------------


class DataBrowsed(Event, frozen=True, kw_only=True):
    """Images (N, C, H, W) uint8 levels of a split, labels (N,) int64 or None, and the sizes of the splits."""

    data: str
    image: ImageSpec
    split: str
    start: int
    sizes: dict[str, int]
    images: Array
    labels: Array | None
    label_names: tuple[str, ...]


class ModelDescribed(Event, frozen=True, kw_only=True):
    """A config fits: its number of parameters, the image spec of the data, and what else is worth knowing.

    ``remarks`` are sentences in the family's own words; most families have none.
    """

    family: str
    num_parameters: int
    image: ImageSpec
    remarks: tuple[str, ...] = ()


# ---- events: training and runs --------------------------------------------------------------------------------


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A run, as the window shows it.

    Args:
        run: path of the run folder, the run's identity in all messages.
        status: ``running``, ``paused``, ``stopped``, ``finished``, ``failed`` or ``interrupted`` (the engine died).
        step: steps made.
        best: lowest validation loss so far, or None.
    """

    run: str
    title: str
    family: str
    family_title: str
    config: dict[str, Any]
    data: str
    data_config: dict[str, Any]
    image: ImageSpec
    training: Training
    status: str
    step: int
    created: str
    capabilities: tuple[str, ...] = ()
    checkpoint_steps: tuple[int, ...] = ()
    best: float | None = None
    message: str = ""


class RunOpened(Event, frozen=True, kw_only=True):
    """A run is open for training or exploring.

    Args:
        live: it is the one in training now.
        objective: formula and terms for this run's config.
        latent: its latent space, or None.
        phases: names of its training phases, in order.
        notes: what ``KeepNotes`` kept with the run.
    """

    info: RunInfo
    live: bool
    objective: Objective
    latent: LatentSpec | None
    num_parameters: int
    sample_steps: tuple[int, ...]
    phases: tuple[str, ...] = ()
    notes: dict[str, Any] = {}  # msgspec copies empty defaults


class RunsListed(Event, frozen=True, kw_only=True):
    """The library of runs, newest first; ``problems`` names the folders that cannot be read, one sentence each."""

    home: str
    runs: tuple[RunInfo, ...]
    problems: tuple[str, ...]


class TrainingChanged(Event, frozen=True, kw_only=True):
    """The run in training changed its status: running, paused, stopped, finished or failed (with a message)."""

    run: str
    status: Literal["running", "paused", "stopped", "finished", "failed"]
    step: int
    message: str = ""


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


class FigureDrawn(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of a model's insides.

    Args:
        kind: ``histogram``: ``values`` (S, N) counts of N bins between N + 1 ``edges``; ``bars``: (S, N), one bar each;
            ``images``: a grid.
        name: unique in the family.
        title: heading, with the unit.
        help: one sentence.
        series: S names; for images those of the grid's columns, or none.
        edges: (N + 1,) float32.
        values: (S, N) float32.
        reference: (N,) float32, to compare the values with.
        images: (M, C, H, W) uint8, 0 … 255.
        columns: of the grid; 0: as many as fit.
    """

    kind: Literal["histogram", "bars", "images"]
    name: str
    title: str
    help: str
    series: tuple[str, ...] = ()
    edges: Array | None = None
    values: Array | None = None
    reference: Array | None = None
    images: Array | None = None
    columns: int = 0


class FiguresDrawn(Event, frozen=True, kw_only=True):
    """Figures of the weights of a step, on request."""

    run: str
    step: int
    figures: tuple[FigureDrawn, ...]


class CheckpointSaved(Event, frozen=True, kw_only=True):
    """A checkpoint is on disk and verified."""

    run: str
    step: int
    marked: bool = False


# ---- events: pixels -----------------------------------------------------------------------------------------


class PixelsOpened(Event, frozen=True, kw_only=True):
    """A generation is open; a ``PixelsMoved`` with the same request follows.

    Args:
        session: its number.
        weights_step: training step of the weights it uses.
        order: (D, 3) int64 rows (channel, row, column).
        orders: names of the orders that can be chosen, ``painted`` among them; only the model's own when it has one.
        order_name: the chosen one.
        order_words: which order the model keeps to, in words; empty when any can be chosen.
        num_given: sub-pixels that a given set put first.
        any_order: the model is order-agnostic: any set can be given.
        num_classes: classes that it can be conditioned on; 0: none.
        label: the one that it is conditioned on; −1: none.
    """

    session: int
    run: str
    image: ImageSpec
    weights_step: int
    order: Array
    orders: tuple[str, ...] = ()
    order_name: str = ""
    order_words: str = ""
    num_given: int = 0
    any_order: bool = False
    num_classes: int = 0
    label: int = -1


class PixelsMoved(Event, frozen=True, kw_only=True):
    """Where a generation stands.

    Args:
        step: sub-pixels placed.
        path: length of the remembered path, ≥ step.
        image: (C, H, W) uint8 levels.
        nats: (step,) float32, −log p of each placed sub-pixel in order, at temperature 1.
        conditional: (L,) float32 probabilities of the next sub-pixel at temperature 1; empty at the end.
        uniform: the number in [0, 1) that will choose the next value.
        context: (C, H, W) bool: what the next conditional can depend on.
        stopped: the breakpoint that ended an ``AdvancePixels``: ``entropy``, ``probability``; else empty.
        entropies: (step,) float32 nats, the entropy of each placed sub-pixel's conditional, in order.
    """

    session: int
    step: int
    path: int
    image: Array
    nats: Array
    conditional: Array
    uniform: float
    context: Array
    stopped: Literal["", "entropy", "probability"] = ""
    entropies: Array | None = None


class PixelsForked(Event, frozen=True, kw_only=True):
    """Continuations so far: (N, C, H, W) uint8 levels, (N,) float32 total nats of the placed, steps done."""

    session: int
    images: Array
    nats: Array
    start: int
    step: int
    done: bool


class PixelExplained(Event, frozen=True, kw_only=True):
    """What one conditional looks at.

    Args:
        step: of the sub-pixel.
        value: the level whose log-probability is explained.
        sensitivity: (C, H, W) float32, nats: how log p(x_i = value | x_<i) changes with each sub-pixel of the context.
        kind: ``gradient``, for a change by the whole range of levels at the slope here, or ``difference``, measured by
            moving the sub-pixel to another level (where the conditional has no slope).
        reach: (C, H, W) bool: the receptive field that the architecture allows.
        components: (K, L) float32: the conditional as a sum of mixture components; None when it is no mixture.
    """

    session: int
    step: int
    value: int
    sensitivity: Array
    kind: Literal["gradient", "difference"]
    reach: Array
    components: Array | None = None


class PixelsCompared(Event, frozen=True, kw_only=True):
    """Another model's view of a generation.

    Args:
        run: of the other model.
        weights_step: training step of its weights.
        step: sub-pixels that were scored.
        nats: (step,) float32, its −log p of each, in the session's order.
        conditional: (L,) float32, its probabilities of the next sub-pixel; empty at the end.
    """

    session: int
    run: str
    weights_step: int
    step: int
    nats: Array
    conditional: Array

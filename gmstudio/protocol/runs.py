"""Messages about runs on disk: the library, opening, curves, saved samples, annotations."""

from typing import Any, ClassVar

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.families import LatentSpec, Objective
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training_settings import Training


class ListRuns(Command, frozen=True, kw_only=True):
    """List the library of runs; answered with ``RunsListed`` in parts, or with ``Done`` when it is still as it was.

    Args:
        known: ``RunsListed.state`` of the list that is known; empty: none. Only what changed since is listed then.
    """

    background: ClassVar[bool] = True

    known: str = ""


class OpenRun(Command, frozen=True, kw_only=True):
    """Open a run for exploring and for its history; answered with ``RunOpened``, then ``HistoryAppended``.

    Args:
        since: step after which the curves are wanted, since those before are known; negative: all.
    """

    run: str
    since: int = -1


class ChooseCheckpoint(Command, frozen=True, kw_only=True):
    """Explore a run with the weights of one of its checkpoints from now on; answered with ``Done``.

    Args:
        step: of the checkpoint; None: the newest weights, those in training where the run trains.
    """

    run: str
    step: int | None


class FetchSamples(Command, frozen=True, kw_only=True):
    """Fetch the saved sample grid of a step, or the latest one before it; answered with ``SamplesDrawn``.

    Args:
        step: training step; None: the newest grid.
    """

    run: str
    step: int | None = None


class KeepAnnotations(Command, frozen=True, kw_only=True):
    """Replace the annotations of a run, such as names of dimensions and directions; answered with ``Done``."""

    run: str
    annotations: dict[str, Any]


class AnnotateRun(Command, frozen=True, kw_only=True):
    """Give a run a name, a note, tags or a star, or archive it; answered with ``RunDescribed``.

    None leaves a field as it is.

    Args:
        name: shown in place of the run's label; empty: the label.
        note: any text; empty: none.
        starred: list the run before the others.
        tags: all of its tags; none: it loses those it has.
        archived: list the run only with the archived ones.
    """

    run: str
    name: str | None = None
    note: str | None = None
    starred: bool | None = None
    tags: tuple[str, ...] | None = None
    archived: bool | None = None


class TrashRun(Command, frozen=True, kw_only=True):
    """Move a run that is not in training to the trash; answered with ``RunTrashed``."""

    run: str


class RestoreRun(Command, frozen=True, kw_only=True):
    """Move a run back from the trash; answered with ``RunDescribed``.

    Args:
        run: name that it had.
        place: path that it has in the trash.
    """

    run: str
    place: str


# ---- events: training and runs --------------------------------------------------------------------------------


class RunOrigin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Checkpoint of another run at which a run began.

    Args:
        run: name of the other run.
        created: start of the other run, ISO 8601 in UTC: that which it still has when it was renamed or moved.
        step: of the checkpoint.
        changed: one line for each setting that was changed, with both values.
    """

    run: str
    created: str
    step: int
    changed: tuple[str, ...] = ()


class RunInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Description of a run; it has no reference cycles, for which thousands would be searched again and again.

    Args:
        run: name of the run, its identity in all messages: that of its folder in the library, ``examples/`` and a name
            for a ready model, or an absolute path on the engine's machine for a run elsewhere.
        title: the user's name for it, or its label with the data.
        spec: complete settings.
        family_title: title of the family.
        image: spec of the images.
        status: ``running``, ``paused``, ``stopped``, ``finished``, ``failed`` or ``interrupted`` (the engine died).
        step: training steps made.
        created: start of the run, ISO 8601 in UTC.
        capabilities: those of ``CAPABILITIES`` that the family has.
        checkpoint_steps: steps of the checkpoints on disk.
        kept_steps: those of ``checkpoint_steps`` that are kept until the user releases them.
        best_bits: lowest validation −log p(x) or bound of it so far, in bits per dimension; None where the family has
            none, so that nothing compares with other families.
        message: reason of a failure or pause; empty: none.
        label: family and the settings that differ from their defaults, for example ``VAE · β = 10``.
        data_label: name of the data and size of the images, for example ``MNIST 28×28``.
        differing: one line for each setting that differs from its default.
        name: the user's name for it; empty: none.
        note: the user's note; empty: none.
        starred: listed before the others.
        tags: the user's tags.
        archived: listed only with the archived runs.
        origin: checkpoint of another run at which it began; None: it began with new weights.
        data_digest: differs between runs that were trained on different images; empty: unknown.
        trained_s: seconds for which it trained, breaks left out; None: unknown.
        writer: process that trains it now, where that is not this engine: ``process 4711 on node7``; empty: none.
        example: a ready model that comes with the program: listed after the user's runs, and never changed.
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
    kept_steps: tuple[int, ...] = ()
    best_bits: float | None = None
    message: str = ""
    label: str = ""
    data_label: str = ""
    differing: tuple[str, ...] = ()
    name: str = ""
    note: str = ""
    starred: bool = False
    tags: tuple[str, ...] = ()
    archived: bool = False
    origin: RunOrigin | None = None
    data_digest: str = ""
    example: bool = False
    writer: str = ""
    trained_s: float | None = None

    @property
    def training(self) -> Training:
        """Training settings of ``spec``."""
        return self.spec.training_settings()


def bits_text(info: RunInfo, bits: float | None = None) -> str:
    """Lowest validation −log p(x) of a run with its unit; marked where it is a bound, empty where there is none.

    Args:
        info: description of the run.
        bits: newer value, in bits per dimension; None: that of ``info``.
    """
    bits = info.best_bits if bits is None else bits
    if bits is None:
        return ""
    bound = "" if "log_prob" in info.capabilities else "≤ "
    return f"{bound}{bits:.3f} bits/dim"


class RunChange(msgspec.Struct, frozen=True, kw_only=True):
    """Step at which settings of a run were changed while it trained, or at which it began as a branch.

    Args:
        step: training steps made before.
        text: what was changed, with both values.
    """

    step: int
    text: str


class RunOpened(Event, frozen=True, kw_only=True):
    """A run is open for training or exploring.

    Args:
        info: description of the run.
        live: the run is in training.
        objective: formula and terms for its config.
        latent: its latent space, or None.
        num_parameters: number of trainable scalars.
        sample_steps: steps of the saved sample grids.
        phases: names of its training phases, in order.
        annotations: annotations kept with the run.
        num_train: training images, which make an epoch; 0: unknown.
        changes: of its settings, in the order in which they were made.
        batch_sizes: (step, size) of the batches after that step, rising from step 0; empty: it is that of the settings.
    """

    info: RunInfo
    live: bool
    objective: Objective
    latent: LatentSpec | None
    num_parameters: int
    sample_steps: tuple[int, ...]
    phases: tuple[str, ...] = ()
    annotations: dict[str, Any] = msgspec.field(default_factory=dict)
    num_train: int = 0
    changes: tuple[RunChange, ...] = ()
    batch_sizes: tuple[tuple[int, int], ...] = ()


class RunsListed(Event, frozen=True, kw_only=True):
    """A part of the library of runs; in each part newest first, then the examples.

    Args:
        home: folder of the library on the engine's machine.
        examples: folder of the ready models there.
        runs: descriptions of some runs; of several of one run the last counts.
        problems: a sentence for each folder that cannot be read; in the last part.
        state: changes with the library, for ``ListRuns.known``; in the last part.
        removed: runs that are in the library no more; in the last part.
        left: runs that are still to be read.
        complete: the parts up to the last one hold all runs, so that others are gone; else only those that changed.
        last: no part follows.
    """

    home: str
    runs: tuple[RunInfo, ...]
    problems: tuple[str, ...]
    state: str = ""
    examples: str = ""
    removed: tuple[str, ...] = ()
    left: int = 0
    complete: bool = True
    last: bool = True

    def ends_request(self) -> bool:
        """Return whether this is the last part."""
        return self.last


class RunDescribed(Event, frozen=True, kw_only=True):
    """The present description of a run."""

    info: RunInfo


class RunTrashed(Event, frozen=True, kw_only=True):
    """A run was moved to the trash.

    Args:
        run: name that it had.
        place: path that it has now, on the engine's machine.
    """

    run: str
    place: str


class Series(msgspec.Struct, frozen=True):
    """Consecutive points of the curve ``name`` in ``split`` (train, valid): int64 steps and float64 values."""

    split: str
    name: str
    steps: Array
    values: Array


class HistoryAppended(Event, frozen=True, kw_only=True):
    """New points of a run's curves; with ``reset`` they replace all earlier points."""

    run: str
    series: tuple[Series, ...]
    reset: bool = False


class SamplesDrawn(Event, frozen=True, kw_only=True):
    """A grid of samples, (N, C, H, W) uint8, 0 … 255 for showing.

    Args:
        kind: ``samples``; ``means``, where the decoder's means are shown; or ``reconstructions``.
        kept: in a reply to ``FetchSamples``, all steps with a saved grid; else empty.
    """

    run: str
    step: int
    kind: str
    images: Array
    kept: tuple[int, ...] = ()

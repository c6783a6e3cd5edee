"""Messages about weights that another program trained, and that become a run."""

from typing import ClassVar

import msgspec

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunInfo


class PreviewWeights(Command, frozen=True, kw_only=True):
    """Read the names and shapes of a file of weights and map them to a family; answered with ``WeightsPreviewed``.

    Args:
        path: of the file, on the engine's machine.
        spec: family, data and settings of the run.
        accepted: a file of torch may be read, by ``torch.load(weights_only=True)``.
        mapping: TOML that maps their names to the family's; None: propose one.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ()

    path: str
    spec: RunSpec
    accepted: bool = False
    mapping: str | None = None


class ImportWeights(Command, frozen=True, kw_only=True):
    """Make a run of a file of weights; answered with ``FileProgressed`` any number of times, then ``WeightsImported``.

    Args:
        path: of the file, on the engine's machine.
        spec: family, data and settings of the run.
        accepted: a file of torch may be read, by ``torch.load(weights_only=True)``.
        mapping: TOML that maps their names to the family's.
    """

    background: ClassVar[bool] = True

    path: str
    spec: RunSpec
    accepted: bool = False
    mapping: str


class ForeignArray(msgspec.Struct, frozen=True):
    """Array of a file of weights, or of a model: its name and shape."""

    name: str
    shape: tuple[int, ...]


class WeightsPreviewed(Event, frozen=True, kw_only=True):
    """Names and shapes of a file of weights, and what a mapping makes of them.

    Args:
        unaccepted: why the file is read only once that is accepted, a sentence; then all else is empty.
        theirs: arrays of the file.
        ours: arrays of the model.
        mapping: TOML, as it was sent or proposed.
        problem: why the mapping cannot be read, a sentence; empty: it can.
        differences: one line for each array that is missing, left over, or does not fit; none: it can be imported.
    """

    unaccepted: str = ""
    theirs: tuple[ForeignArray, ...] = ()
    ours: tuple[ForeignArray, ...] = ()
    mapping: str = ""
    problem: str = ""
    differences: tuple[str, ...] = ()


class WeightsImported(Event, frozen=True, kw_only=True):
    """Weights became a run."""

    info: RunInfo

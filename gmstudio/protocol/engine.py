"""Messages about the engine itself: its catalog, device, report, failures."""

from enum import StrEnum
from typing import Any, Literal

import msgspec

from gmstudio.protocol.atlas import DemonstrationCard
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data import DataEntry
from gmstudio.protocol.exercises import Exercise
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.labs import LabEntry

DEVICE_LOST = 70
"""Exit code of an engine whose accelerator failed, so that no call of that process can succeed any more."""

# ---- commands: the engine -------------------------------------------------------------------------------


class Ping(Command, frozen=True, kw_only=True):
    """Answered at once with ``Pong``, even during a long step."""


class ChooseDevice(Command, frozen=True, kw_only=True):
    """Use this device from the next model on: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``."""

    device: str


class Shutdown(Command, frozen=True, kw_only=True):
    """Checkpoint whatever trains, then exit 0."""


# ---- events: the engine -------------------------------------------------------------------------------------


class Cancel(Command, frozen=True, kw_only=True):
    """End the work of an earlier request, which then fails with ``Reason.CANCELLED``; answered with ``Done``.

    Harmless when that request has ended already.

    Args:
        target: its number.
    """

    target: int


class Catalog(Event, frozen=True, kw_only=True):
    """First event of an engine: its version, families, data sources and devices.

    Args:
        host: name of the engine's machine.
        first_family: the one to begin with.
        problems: families and laboratories of other packages that cannot be used, a sentence each.
        demonstrations: those of the Atlas.
        labs: the laboratories.
        exercises: those of public courses.
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
    demonstrations: tuple[DemonstrationCard, ...] = ()
    labs: tuple[LabEntry, ...] = ()
    exercises: tuple[Exercise, ...] = ()
    host: str = ""


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


class Reason(StrEnum):
    """Reason of a failure; code decides by this, never by a sentence."""

    BAD_SETTING = "bad setting"
    """A setting is outside its range, or settings contradict each other; ``CommandFailed.fields`` names them."""
    BAD_DATA = "bad data"
    """A data set cannot be read, or does not fit the model."""
    DATA_UNAVAILABLE = "data unavailable"
    """The data of a run cannot be loaded, for example from a folder that was moved, or do not fit its model."""
    DATA_CHANGED = "data changed"
    """The data of a run differ from those that it was trained on; ``LocateData`` accepts them."""
    SCHEDULE_OPEN = "schedule open"
    """A resumed run gets more steps, and how its learning rate goes on is to be chosen."""
    RUN_MISSING = "run missing"
    """There is no such run, or it has no checkpoint."""
    RUN_UNUSABLE = "run unusable"
    """The run's files are damaged, locked by another process, or cannot be written."""
    NOT_POSSIBLE = "not possible"
    """The request makes no sense in the present state, or the model lacks the capability."""
    OUT_OF_MEMORY = "out of memory"
    FILE_SYSTEM = "file system"
    """The system refused to read or write a file."""
    SUPERSEDED = "superseded"
    """A newer request of the same kind replaced this one."""
    CANCELLED = "cancelled"
    ENGINE_GONE = "engine gone"
    """The engine ended before it could answer; sent by the window's own client."""
    INTERNAL = "internal"
    """The engine itself is at fault; ``CommandFailed.detail`` holds the traceback."""


class CommandFailed(Event, frozen=True, kw_only=True):
    """A command could not be carried out, or ended before its time.

    Args:
        command: class name of the command.
        message: sentences for people.
        run: name of the run that the command named; empty: none.
        reason: for code.
        fields: for settings, field name → sentence; keys ``config.x``, ``data_config.x``, ``training.x``.
        detail: a traceback when the engine itself is at fault, else empty.
    """

    command: str
    message: str
    run: str = ""
    reason: Reason = Reason.NOT_POSSIBLE
    fields: dict[str, str] = msgspec.field(default_factory=dict)
    detail: str = ""


class Warned(Event, frozen=True, kw_only=True):
    """A file or setting is damaged, and work continues without it.

    Args:
        run: name of the run that it concerns; empty: none.
        message: sentences for people.
    """

    message: str
    run: str = ""


class Done(Event, frozen=True, kw_only=True):
    """A command without a reply of its own was carried out."""

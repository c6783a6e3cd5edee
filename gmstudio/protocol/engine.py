"""Messages about the engine itself: its catalog, device, report, failures."""

from typing import Any, Literal

import msgspec

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data import DataEntry
from gmstudio.protocol.families import FamilyEntry

# ---- commands: the engine -------------------------------------------------------------------------------


class Ping(Command, frozen=True, kw_only=True):
    """Answered at once with ``Pong``, even during a long step."""


class ChooseDevice(Command, frozen=True, kw_only=True):
    """Use this device from the next model on: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``."""

    device: str


class Shutdown(Command, frozen=True, kw_only=True):
    """Checkpoint whatever trains, then exit 0."""


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
    fields: dict[str, str] = msgspec.field(default_factory=dict)
    detail: str = ""


class Done(Event, frozen=True, kw_only=True):
    """A command without a reply of its own was carried out."""

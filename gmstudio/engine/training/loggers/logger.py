"""Base of the loggers: a program's own files or service, to which a history is copied batch by batch."""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from gmstudio.runs.clock import seconds_of
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.tail import Batch

Plain = str | int | float | bool
OFFENDING = '<>:"|?*\\'
"""Characters that names of files cannot have on every system."""


@dataclass(frozen=True)
class RunFacts:
    """Description of a run for other programs.

    Args:
        name: of the run; the last part of a path.
        family: key in ``FAMILIES``.
        settings: all settings by dotted name, for example ``config.beta``.
        started_s: start of the run, seconds since 1970.
    """

    name: str
    family: str
    settings: dict[str, Plain]
    started_s: float

    @classmethod
    def of(cls, run: RunFolder) -> "RunFacts":
        """Return the facts of a run."""
        record = run.record
        settings = dict[str, Plain]()
        for key, value in msgspec.to_builtins(record.spec).items():
            _flatten(key, value, settings)
        settings["image"] = str(record.image)
        name = "".join("_" if sign in OFFENDING else sign for sign in Path(run.name).name) or "run"
        return cls(name, record.family, settings, seconds_of(record.created))

    @property
    def identity(self) -> str:
        """32 hexadecimal digits that differ between runs and do not change."""
        return hashlib.sha256(f"{self.name} {self.started_s!r}".encode()).hexdigest()[:32]


class RunLogger(ABC):
    """Base of the loggers. All calls come from one thread, which none of them may assume to be the training's."""

    withdraws: ClassVar[bool] = True
    """Steps that are trained again replace what was logged of them; else they are logged once only."""

    @abstractmethod
    def begin(self, facts: RunFacts, since: int) -> None:
        """Open it for a run.

        Args:
            facts: the run.
            since: step up to which it has all; what it holds of later steps is withdrawn. −1: it begins anew.

        Raises:
            OSError: when it cannot be written.
        """

    @abstractmethod
    def write(self, batch: Batch) -> None:
        """Add a batch; it need not be on the disk before ``flush``.

        Raises:
            OSError: when it cannot be written.
        """

    @abstractmethod
    def flush(self) -> None:
        """Make what was added readable for others, also if this process is killed.

        Raises:
            OSError: when it cannot be written.
        """

    @abstractmethod
    def end(self, status: str) -> None:
        """Close it; harmless when it was not opened.

        Args:
            status: of the run as in ``run.json``; ``running`` where only this logger ends.

        Raises:
            OSError: when it cannot be written.
        """


def _flatten(key: str, value: Any, found: dict[str, Plain]) -> None:
    """Add a value, and those within it by dotted names."""
    if isinstance(value, dict):
        for name, inner in value.items():
            _flatten(f"{key}.{name}", inner, found)
    elif isinstance(value, str | int | float):
        found[key] = value
    elif isinstance(value, list | tuple):
        found[key] = ", ".join(map(str, value))
    else:
        found[key] = "none" if value is None else str(value)

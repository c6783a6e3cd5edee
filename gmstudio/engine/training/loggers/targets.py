"""Places to which a run is logged: the setting ``log_to``, read and checked."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from gmstudio.engine.training.loggers.event_file import EventFileLogger
from gmstudio.engine.training.loggers.experiment import PACKAGES, ExperimentLogger
from gmstudio.engine.training.loggers.json_lines import JsonLinesLogger
from gmstudio.engine.training.loggers.logger import RunFacts, RunLogger
from gmstudio.engine.training.loggers.mlflow_store import MlflowLogger
from gmstudio.engine.training.loggers.packages import INSTALL, missing_package

SEPARATOR = ";"
FILES = ("tensorboard", "jsonl", "mlflow")
"""Kinds whose place is a folder; the others' is the name of a project."""
DEFAULT_PROJECT = "gmstudio"
LOGS = "logs"
"""Folder in the run's own for logs without a place."""


@dataclass(frozen=True)
class Target:
    """Place to which a run is logged.

    Args:
        kind: one of ``FILES`` or ``PACKAGES``.
        place: absolute path of a folder, or name of a project; empty: the run's own folder, or ``DEFAULT_PROJECT``.
    """

    kind: str
    place: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.place}" if self.place else self.kind

    @property
    def digest(self) -> str:
        """Name of a file about this target."""
        return f"{self.kind}-{sha256(str(self).encode()).hexdigest()[:8]}"

    def logger(self, folder: Path, facts: RunFacts) -> RunLogger:
        """Create the logger of a run.

        Args:
            folder: of the run.
            facts: the run.
        """
        if self.kind in PACKAGES:
            return ExperimentLogger(self.kind, self.place or DEFAULT_PROJECT)
        place = Path(self.place) if self.place else folder / LOGS
        if self.kind == "mlflow":
            return MlflowLogger(place if self.place else place / "mlruns")
        if self.kind == "jsonl":
            return JsonLinesLogger(place / (f"{facts.name}.jsonl" if self.place else "history.jsonl"))
        return EventFileLogger(place / facts.name if self.place else place)


def parse_targets(text: str) -> tuple[Target, ...]:
    """Read the setting.

    Args:
        text: ``KIND`` or ``KIND:PLACE``, several with semicolons between them.

    Raises:
        ValueError: for an unknown kind, a relative path, or the same target twice.
    """
    found: list[Target] = []
    for one in filter(None, map(str.strip, text.split(SEPARATOR))):
        kind, _colon, place = (part.strip() for part in one.partition(":"))
        if kind not in (*FILES, *PACKAGES):
            raise ValueError(
                f"{one!r} names no logger; there are {', '.join((*FILES, *PACKAGES))}: tensorboard:FOLDER."
            )
        if kind in FILES and place and not Path(place).is_absolute():
            raise ValueError(
                f"{one!r} has a relative path; write the whole path of a folder, {kind}:{Path(place).absolute()}."
            )
        target = Target(kind, place)
        if target in found:
            raise ValueError(f"{one!r} is there twice; leave one of them out.")
        found.append(target)
    return tuple(found)


def refusal_of(text: str) -> str:
    """Return why a run cannot be logged as the setting says, one sentence; empty: it can."""
    try:
        targets = parse_targets(text)
    except ValueError as error:
        return str(error)
    missing = (missing_package(target.kind) for target in targets if target.kind in INSTALL)
    return next(filter(None, missing), "")

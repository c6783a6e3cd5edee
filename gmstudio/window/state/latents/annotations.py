"""What a person gave a latent space, kept with its run: names of dimensions, and directions."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed, Done, Reason
from gmstudio.protocol.runs import KeepAnnotations, RunOpened
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.latents.code import Code

NAMES_KEY, DIRECTIONS_KEY = "dimension_names", "directions"
MAX_NAME = 40
MAX_SAVED = 200


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction in a latent space.

    Args:
        name: for people.
        vector: (Z,) float32; once along it is one unit.
        kind: ``components``, ``features``, ``labels``, ``difference`` or ``map``; tells what the unit is.
    """

    name: str
    vector: Code
    kind: str

    @property
    def unit(self) -> str:
        """What going along it once means."""
        return UNITS.get(self.kind, "times the direction")


UNITS = {
    "components": "standard deviations of the data's codes along it",
    "features": "standard deviations of the first layer's features along it",
    "labels": "times the way from one label's mean code to the other's",
    "difference": "times the difference of the two codes",
    "map": "times the map's axis",
}


class LatentAnnotations(QObject):
    """Names and directions of the run that is looked at; every change is kept with the run at once.

    What the engine could not keep, because it died, is kept when the run is open again.

    Attributes:
        names: dimension → its name.
        directions: that were saved, in order.
        problem: why they could not be read or kept, or "".

    Signals:
        names_changed: ``names`` are others.
        directions_changed: ``directions`` are others.
        problem_changed: ``problem`` is another.
    """

    names_changed = Signal()
    directions_changed = Signal()
    problem_changed = Signal()

    def __init__(self, events: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.names: dict[int, str] = {}
        self.directions: tuple[Direction, ...] = ()
        self.problem = ""
        self._events = events
        self._run = ""
        self._annotations: dict[str, dict[str, Any]] = {}
        self._read: dict[str, RunOpened] = {}
        self._understood: dict[str, Any] | None = None
        self._unkept: set[str] = set()
        self._requests: dict[int, str] = {}
        events.on(Done).connect(self._on_done)
        events.on(CommandFailed).connect(self._on_failed)

    def show_run(self, opened: RunOpened | None) -> None:
        """Show what was kept with a run; None: nothing."""
        self._run = opened.info.run if opened is not None else ""
        self._tell("")
        if opened is not None and opened.latent is not None:
            if self._run not in self._unkept and self._read.get(self._run) is not opened:
                self._read[self._run], self._annotations[self._run] = opened, dict(opened.annotations)
            annotations = self._annotations[self._run]
            if (
                annotations is not self._understood and annotations != self._understood
            ):  # directions in use stay the same objects
                self._understand(annotations, opened.latent.num_dims)
            self._understood = annotations
            if self._run in self._unkept:
                self._send()
        else:
            self.names, self.directions, self._understood = {}, (), None
        self.names_changed.emit()
        self.directions_changed.emit()

    def rename(self, dim: int, name: str) -> None:
        """Give a dimension a name, at most ``MAX_NAME`` letters; "" takes it away."""
        name = " ".join(name.split())[:MAX_NAME]
        if name != self.names.get(dim, ""):
            self.names = {d: n for d, n in {**self.names, dim: name}.items() if n}
            self._keep(NAMES_KEY, {str(d): n for d, n in sorted(self.names.items())})
            self.names_changed.emit()

    def set_directions(self, directions: Iterable[Direction]) -> None:
        """Save these directions in place of the former ones.

        Raises:
            ValueError: when there are more than ``MAX_SAVED``.
        """
        wanted = tuple(directions)
        if len(wanted) > MAX_SAVED:
            raise ValueError(f"{MAX_SAVED} directions are saved with this run already; delete one first.")
        self.directions = wanted
        self._keep(
            DIRECTIONS_KEY,
            [{"name": d.name, "kind": d.kind, "vector": [round(float(v), 5) for v in d.vector]} for d in wanted],
        )
        self.directions_changed.emit()

    # ---- reading and keeping -------------------------------------------------------------------------------------

    def _understand(self, annotations: dict[str, Any], num_dims: int) -> None:
        """Read annotations that somebody may have edited; what is no name or direction is told and left out."""
        names, directions = annotations.get(NAMES_KEY, {}), annotations.get(DIRECTIONS_KEY, [])
        read = _names(names, num_dims) if isinstance(names, dict) else {}
        found = [_direction(item, num_dims) for item in directions] if isinstance(directions, list) else []
        self.names, self.directions = read, tuple(d for d in found if d is not None)
        lost = (len(names) if isinstance(names, dict | list) else 1) - len(self.names)
        lost += (len(directions) if isinstance(directions, dict | list) else 1) - len(self.directions)
        if lost:
            entries = "entry" if lost == 1 else "entries"
            self._tell(
                f"{lost} {entries} of the run's annotations.json cannot be names or directions of this latent space."
            )

    def _keep(self, key: str, value: Any) -> None:
        self._understood = self._annotations[self._run] = {**self._annotations.get(self._run, {}), key: value}
        self._unkept.add(self._run)
        self._send()

    def _send(self) -> None:
        self._requests[self._events.send(KeepAnnotations(run=self._run, annotations=self._annotations[self._run]))] = (
            self._run
        )

    def _on_done(self, event: Done) -> None:
        run = self._requests.pop(event.request, "")
        if run and run not in self._requests.values():
            self._unkept.discard(run)
            self._tell("")

    def _on_failed(self, event: CommandFailed) -> None:
        run = self._requests.pop(event.request, "")
        if run == self._run and run and event.reason is not Reason.ENGINE_GONE:
            self._tell(event.message)

    def _tell(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self.problem_changed.emit()


def _names(names: dict[str, Any], num_dims: int) -> dict[int, str]:
    return {
        int(dim): name[:MAX_NAME]
        for dim, name in names.items()
        if dim.isascii() and dim.isdigit() and int(dim) < num_dims and isinstance(name, str) and name.strip()
    }


def _direction(item: Any, num_dims: int) -> Direction | None:
    if not isinstance(item, dict):
        return None
    name, kind, vector = item.get("name"), item.get("kind"), item.get("vector")
    if not isinstance(name, str) or not isinstance(kind, str) or not isinstance(vector, list):
        return None
    numbers = [v for v in vector if isinstance(v, int | float) and math.isfinite(v)]
    if len(numbers) != num_dims or len(vector) != num_dims:
        return None
    return Direction(name[:MAX_NAME], np.array(numbers, np.float32), kind)

"""Annotations of a latent space, kept with its run: names of dimensions, and directions."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs import KeepAnnotations, RunOpened
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.latents.direction import Direction
from gmstudio.window.state.latents.space import LatentSpace

NAMES_KEY, DIRECTIONS_KEY = "dimension_names", "directions"
MAX_NAME = 40
MAX_SAVED = 200


@dataclass(eq=False)
class _Kept:
    """Annotations of one run.

    Args:
        source: message that they were read from.
        content: as in the run's ``annotations.json``, with the changes of this window.
        request: slot of the command that writes them.
        written: the engine has written ``content``.
    """

    source: RunOpened
    content: dict[str, Any]
    request: Request
    written: bool = True


class LatentAnnotations(QObject):
    """Names and directions of the selected run; every change is written with the run at once.

    Changes that the engine could not write, because it ended, are written when the run is open again.

    Args:
        link: the way to the engine.
        space: the selected run.

    Attributes:
        names: dimension → its name.
        directions: saved directions, in order.
        problem: why they could not be read or written, or "".

    Signals:
        names_changed: ``names`` differ.
        directions_changed: ``directions`` differ.
        problem_changed: ``problem`` differs.
    """

    names_changed = Signal()
    directions_changed = Signal()
    problem_changed = Signal()

    def __init__(self, link: EngineLink, space: LatentSpace) -> None:
        super().__init__(space)
        self.names: dict[int, str] = {}
        self.directions: tuple[Direction, ...] = ()
        self.problem = ""
        self._link, self._space = link, space
        self._kept: dict[str, _Kept] = {}
        self._shown: dict[str, Any] | None = None
        space.edits.add_part("names", lambda: self.names, self._set_names)
        space.run_changed.connect(self._on_run_changed)
        space.reopened.connect(self._on_run_changed)

    def label(self, dim: int) -> str:
        """Label of a dimension: ``z₃``, or ``slant (z₃)`` when it was named."""
        name, symbol = self.names.get(dim), self._space.symbol_of(dim)
        return f"{name} ({symbol})" if name else symbol

    def rename(self, dim: int, name: str) -> None:
        """Name a dimension, in at most ``MAX_NAME`` letters; "" removes the name."""
        name = " ".join(name.split())[:MAX_NAME]
        if name != self.names.get(dim, ""):
            with self._space.edits.recording(f"Name {self._space.symbol_of(dim)}"):
                self._set_names({d: n for d, n in {**self.names, dim: name}.items() if n})

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

    def _set_names(self, names: dict[int, str]) -> None:
        self.names = names
        self._keep(NAMES_KEY, {str(d): n for d, n in sorted(names.items())})
        self.names_changed.emit()

    # ---- reading and writing -----------------------------------------------------------------------------------

    def _on_run_changed(self) -> None:
        """Read the annotations of the selected run, except those that this window changed and has yet to write."""
        self._report("")
        opened = self._space.opened
        if opened is None:
            self.names, self.directions, self._shown = {}, (), None
        else:
            kept = self._kept_of(opened)
            if kept.content != self._shown:  # else directions in use stay the same objects
                self._read(kept.content)
            self._shown = kept.content
            if not kept.written:
                self._write(kept)
        self.names_changed.emit()
        self.directions_changed.emit()

    def _kept_of(self, opened: RunOpened) -> _Kept:
        kept = self._kept.get(self._space.run)
        if kept is None:
            kept = self._kept[self._space.run] = _Kept(opened, dict(opened.annotations), Request(self._link, self))
            kept.request.replied.connect(partial(self._on_written, kept))
            kept.request.failed.connect(partial(self._on_failed, kept))
        elif kept.written and kept.source is not opened:
            kept.source, kept.content = opened, dict(opened.annotations)
        return kept

    def _read(self, annotations: dict[str, Any]) -> None:
        """Read annotations that may have been edited; entries that are no name or direction are reported."""
        names, directions = annotations.get(NAMES_KEY, {}), annotations.get(DIRECTIONS_KEY, [])
        num_dims = self._space.code.num_dims
        found = [_direction(item, num_dims) for item in directions] if isinstance(directions, list) else []
        self.names = _names(names, num_dims) if isinstance(names, dict) else {}
        self.directions = tuple(d for d in found if d is not None)
        lost = (len(names) if isinstance(names, dict | list) else 1) - len(self.names)
        lost += (len(directions) if isinstance(directions, dict | list) else 1) - len(self.directions)
        if lost:
            entries = "entry" if lost == 1 else "entries"
            self._report(
                f"{lost} {entries} of the run's annotations.json cannot be names or directions of this latent space."
            )

    def _keep(self, key: str, value: Any) -> None:
        kept = self._kept[self._space.run]
        kept.content, kept.written = {**kept.content, key: value}, False
        self._shown = kept.content
        self._write(kept)

    def _write(self, kept: _Kept) -> None:
        kept.request.send(KeepAnnotations(run=kept.source.info.run, annotations=kept.content))

    def _on_written(self, kept: _Kept, _done: object) -> None:
        kept.written = True
        if kept is self._kept.get(self._space.run):
            self._report("")

    def _on_failed(self, kept: _Kept, event: CommandFailed) -> None:
        if kept is self._kept.get(self._space.run) and event.reason is not Reason.ENGINE_GONE:
            self._report(event.message)

    def _report(self, problem: str) -> None:
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

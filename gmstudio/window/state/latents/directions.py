"""Directions in a latent space: computed by the engine, saved with the run."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import DirectionsFound, FindDirections
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.latents.annotations import MAX_NAME, LatentAnnotations
from gmstudio.window.state.latents.direction import Direction
from gmstudio.window.state.latents.space import LatentSpace

Kind = Literal["components", "features", "labels"]
KINDS: tuple[Kind, ...] = ("components", "features", "labels")
MAX_COUNT = 50


class LatentDirections(QObject):
    """Directions of the selected run; the amounts along them are part of the code.

    Args:
        link: the way to the engine.
        space: the selected run and its code.
        annotations: saved directions.

    Attributes:
        kind: of the directions to compute.
        count: number of principal components to compute.
        labels: the class-mean difference goes from the first to the second label.
        found: directions that were computed or added; saved ones are in ``saved`` instead.
        found_step: training step of the weights that they were computed with; -1 before.
        problem: why none were computed, or "".

    Signals:
        changed: any of these differ, or the saved directions.
    """

    changed = Signal()

    def __init__(self, link: EngineLink, space: LatentSpace, annotations: LatentAnnotations) -> None:
        super().__init__(space)
        self._space, self._annotations = space, annotations
        self.kind: Kind = "components"
        self.count = 8
        self.labels = (0, 1)
        self.found: tuple[Direction, ...] = ()
        self.found_step = -1
        self.problem = ""
        self._request = Request(link, self)
        self._request.replied.connect(self._on_found)
        self._request.failed.connect(self._on_failed)
        space.run_changed.connect(self._on_run_changed)
        space.halted.connect(self._on_halted)
        annotations.directions_changed.connect(self.changed)
        space.edits.add_part("directions", self._snapshot, self._restore)

    # ---- computing -------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Directions are being computed."""
        return self._request.busy

    def obstacle(self, kind: Kind) -> str:
        """Return the reason why the run's family has no directions of a kind, a sentence; "" when it has."""
        family = self._space.family
        if kind == "features":
            lacking = f"{family} gives no features of its decoder's first layer."
            return "" if self._space.can("first_features") else lacking
        return "" if self._space.can("encode") else f"{family} has no encoder, so there are no codes of the data."

    def set_kind(self, kind: Kind) -> None:
        """Choose the kind of directions to compute."""
        self.kind, self.problem = kind, ""
        self.changed.emit()

    def set_count(self, count: int) -> None:
        """Choose the number of principal components; clipped to 1 … ``MAX_COUNT``."""
        self.count = min(MAX_COUNT, max(1, count))

    def set_labels(self, first: int, second: int) -> None:
        """Choose the labels whose class means are subtracted: the second minus the first."""
        self.labels = (first, second)

    def find(self) -> None:
        """Compute directions with the weights as they are now; those of the same kind that are not saved are replaced.

        Class-mean differences of other labels stay.
        """
        if self._space.opened is not None and not self.busy and not self.obstacle(self.kind):
            command = FindDirections(run=self._space.run, kind=self.kind, count=self.count, labels=self.labels)
            self._request.send(command)
            self.problem = ""
            self.changed.emit()

    def _on_found(self, event: DirectionsFound) -> None:
        vectors = event.directions.numpy()
        found = tuple(Direction(name, v, event.kind) for name, v in zip(event.names, vectors, strict=True))
        replaced = event.names if event.kind == "labels" else None
        kept = tuple(d for d in self.found if d.kind != event.kind or (replaced is not None and d.name not in replaced))
        dropped = [d for d in self.found if d not in kept]
        with self._space.edits.recording("Compute directions"):
            self.found, self.found_step, self.problem = (*kept, *found), event.step, ""
            self._space.code.detach(dropped)
            self.changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        self.problem = "" if event.reason is Reason.ENGINE_GONE else event.message
        self.changed.emit()

    # ---- the list --------------------------------------------------------------------------------------------------

    @property
    def saved(self) -> tuple[Direction, ...]:
        """Directions that are saved with the run."""
        return self._annotations.directions

    @property
    def all(self) -> tuple[Direction, ...]:
        """Saved directions, then the others."""
        return (*self.saved, *self.found)

    def add(self, direction: Direction) -> None:
        """Add a direction, not saved yet."""
        with self._space.edits.recording("Add direction"):
            self.found = (*self.found, direction)
            self.changed.emit()

    def known(self, direction: Direction) -> Direction:
        """Return the direction of the list with the same vector; else this one, which is added."""
        for other in self.all:
            if np.allclose(other.vector, direction.vector, atol=1e-4):
                return other
        self.add(direction)
        return direction

    def save(self, direction: Direction) -> None:
        """Save a direction with the run."""
        with self._space.edits.recording("Save direction"):
            self._replace((*self.saved, direction), [d for d in self.found if d is not direction])

    def delete(self, direction: Direction) -> None:
        """Delete a direction; its amount returns to 0."""
        with self._space.edits.recording("Delete direction"):
            self._space.code.set_amount(direction, 0.0)
            self._replace([d for d in self.saved if d is not direction], [d for d in self.found if d is not direction])

    def rename(self, direction: Direction, name: str) -> None:
        """Rename a direction, in at most ``MAX_NAME`` letters; an empty name is ignored."""
        name = " ".join(name.split())[:MAX_NAME]
        if not name or name == direction.name:
            return
        renamed = replace(direction, name=name)
        saved, found = ([renamed if d is direction else d for d in group] for group in (self.saved, self.found))
        with self._space.edits.recording("Rename direction"):
            self._space.code.exchange(direction, renamed)
            self._replace(saved, found)

    def _snapshot(self) -> tuple[tuple[Direction, ...], tuple[Direction, ...], int]:
        return self.saved, self.found, self.found_step

    def _restore(self, snapshot: tuple[tuple[Direction, ...], tuple[Direction, ...], int]) -> None:
        saved, found, self.found_step = snapshot
        self._replace(saved, found)

    def _replace(self, saved: Iterable[Direction], found: Iterable[Direction]) -> None:
        """Replace the list; saved directions are written where they differ."""
        saved, self.found = tuple(saved), tuple(found)
        if saved != self.saved:
            try:
                self._annotations.set_directions(saved)
            except ValueError as error:
                self.problem = str(error)
        self.changed.emit()

    def _on_run_changed(self) -> None:
        self._request.cancel()
        self.found, self.found_step, self.problem = (), -1, ""
        able = [kind for kind in KINDS if not self.obstacle(kind)]
        if able and self.obstacle(self.kind):
            self.kind = able[0]
        self.changed.emit()

    def _on_halted(self) -> None:
        self._request.drop()
        self.changed.emit()

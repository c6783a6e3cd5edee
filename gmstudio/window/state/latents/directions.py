"""Directions in a latent space: found by the engine, saved with the run, and gone along by amounts.

The code is c = b + Σ_k a_k d_k: a base b that the sliders of single dimensions and whole codes set, and an amount a_k
of each direction d_k. Moving one coordinate changes b there, so that it goes where it was put; setting the code as a
whole makes it the base, and all amounts 0. An amount that returns to 0 takes its direction out again exactly.
"""

import math
from dataclasses import replace
from typing import Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import DirectionsFound, FindDirections
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.state.latents.annotations import MAX_NAME, Direction
from gmstudio.window.state.latents.code import Code
from gmstudio.window.state.latents.space import LatentSpace

Kind = Literal["components", "features", "labels"]
KINDS: tuple[Kind, ...] = ("components", "features", "labels")
MAX_AMOUNT = 6.0
MAX_COUNT = 50


class LatentDirections(QObject):
    """Directions of the run that is looked at, and how far one went along each.

    Attributes:
        kind: to look for.
        count: of components to look for.
        labels: the direction from the first to the second label.
        found: directions that were found last; those that are saved are in ``saved`` instead.
        found_step: training step of the weights that they were found with; -1 before.
        problem: why none were found, or "".

    Signals:
        changed: found or saved directions, what is looked for, or a problem.
        amounts_changed: how far one went along some.
    """

    changed = Signal()
    amounts_changed = Signal()

    def __init__(self, events: EngineLink, space: LatentSpace) -> None:
        super().__init__(space)
        self._space = space
        self.kind: Kind = "components"
        self.count = 8
        self.labels = (0, 1)
        self.found: tuple[Direction, ...] = ()
        self.found_step = -1
        self.problem = ""
        self._amounts: dict[Direction, float] = {}
        self._base: Code = np.zeros(0, np.float32)
        self._before: Code = self._base
        self._moving = False
        self._latest = LatestWins(events, self)
        self._latest.replied.connect(self._on_found)
        self._latest.failed.connect(self._on_failed)
        space.code_replaced.connect(self._forget_amounts)
        space.code_changed.connect(self._on_code_changed)
        space.run_changed.connect(self._on_run_changed)
        space.halted.connect(self._on_halted)
        space.annotations.directions_changed.connect(self.changed)

    # ---- finding ---------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether directions are being looked for."""
        return self._latest.busy

    def possible(self, kind: Kind) -> str:
        """Why directions of this kind cannot be found with this run's family, a sentence; "": they can."""
        family = self._space.family
        if kind == "features":
            return (
                "" if self._space.can("first_features") else f"{family} shows no features of its decoder's first layer."
            )
        return "" if self._space.can("encode") else f"{family} has no encoder, so the data have no codes here."

    def look_for(self, kind: Kind) -> None:
        """Choose what to look for."""
        self.kind, self.problem = kind, ""
        self.changed.emit()

    def set_count(self, count: int) -> None:
        """Choose how many components to look for, 1 to ``MAX_COUNT``."""
        self.count = min(MAX_COUNT, max(1, count))

    def set_labels(self, first: int, second: int) -> None:
        """Choose from which label to which."""
        self.labels = (first, second)

    def find(self) -> None:
        """Look for directions with the weights as they are now; those of the kind found before are replaced.

        Those between labels are added to others between labels.
        """
        if self._space.opened is not None and not self.possible(self.kind):
            command = FindDirections(run=self._space.run, kind=self.kind, count=self.count, labels=self.labels)
            self._latest.submit(command)
            self.problem = ""
            self.changed.emit()

    def _on_found(self, event: DirectionsFound) -> None:
        vectors = event.directions.numpy()
        found = tuple(Direction(name, v, event.kind) for name, v in zip(event.names, vectors, strict=True))
        again = event.names if event.kind == "labels" else None
        kept = tuple(d for d in self.found if d.kind != event.kind or (again is not None and d.name not in again))
        self._drop([d for d in self.found if d not in kept])
        self.found = (*kept, *found)
        self.found_step, self.problem = event.step, ""
        self.changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        self.problem = "" if event.reason is Reason.ENGINE_GONE else event.message
        self.changed.emit()

    # ---- keeping ---------------------------------------------------------------------------------------------------

    @property
    def saved(self) -> tuple[Direction, ...]:
        """Directions that are kept with the run."""
        return self._space.annotations.directions

    @property
    def all(self) -> tuple[Direction, ...]:
        """Saved ones, then those that were found."""
        return (*self.saved, *self.found)

    def add(self, direction: Direction) -> None:
        """Have one more direction to go along, not saved yet."""
        self.found = (*self.found, direction)
        self.changed.emit()

    def known(self, direction: Direction) -> Direction:
        """The one of those that there are that goes the same way; else this one, which is added."""
        for other in self.all:
            if np.allclose(other.vector, direction.vector, atol=1e-4):
                return other
        self.add(direction)
        return direction

    def save(self, direction: Direction) -> None:
        """Keep a direction that was found with the run."""
        self._keep((*self.saved, direction), [d for d in self.found if d is not direction])

    def delete(self, direction: Direction) -> None:
        """Forget a direction; the code goes back to where it is not gone along."""
        self.set_amount(direction, 0.0)
        self._amounts.pop(direction, None)
        self._keep([d for d in self.saved if d is not direction], [d for d in self.found if d is not direction])

    def rename(self, direction: Direction, name: str) -> None:
        """Call a direction otherwise."""
        name = " ".join(name.split())[:MAX_NAME]
        if not name or name == direction.name:
            return
        renamed = replace(direction, name=name)
        if direction in self._amounts:
            self._amounts[renamed] = self._amounts.pop(direction)
        swapped = [[renamed if d is direction else d for d in group] for group in (self.saved, self.found)]
        self._keep(*swapped)

    def _keep(self, saved: "tuple[Direction, ...] | list[Direction]", found: list[Direction]) -> None:
        """Show these, and keep the saved ones when they are others."""
        self.found = tuple(found)
        if [id(d) for d in saved] != [id(d) for d in self.saved]:
            try:
                self._space.annotations.set_directions(saved)
            except ValueError as error:
                self.problem = str(error)
        self.changed.emit()

    # ---- going along -----------------------------------------------------------------------------------------------

    def amount(self, direction: Direction) -> float:
        """How far one went along it, in its user_image unit."""
        return self._amounts.get(direction, 0.0)

    def set_amount(self, direction: Direction, amount: float) -> None:
        """Go along a direction, -``MAX_AMOUNT`` to ``MAX_AMOUNT`` times; locked dimensions stay.

        Raises:
            ValueError: when the amount is not finite.
        """
        if not math.isfinite(amount):
            raise ValueError(
                f"{direction.name} cannot be {amount}; enter a number from -{MAX_AMOUNT:g} to {MAX_AMOUNT:g}."
            )
        amount = min(MAX_AMOUNT, max(-MAX_AMOUNT, amount))
        if amount == self.amount(direction) or len(direction.vector) != self._space.num_dims:
            return
        if amount:
            self._amounts[direction] = amount
        else:
            self._amounts.pop(direction, None)
        self._moving = True
        self._space.move_code(self._base + self._sum())
        self._moving = False
        self._before = self._space.code
        self.amounts_changed.emit()

    def _sum(self) -> Code:
        total = np.zeros_like(self._base)
        for direction, amount in self._amounts.items():
            total += np.float32(amount) * direction.vector
        return total

    def _drop(self, directions: list[Direction]) -> None:
        """Go along these no more, and stay where the code is: it becomes the base of the others."""
        if any(self._amounts.pop(direction, 0.0) for direction in directions):
            self._base = self._space.code - self._sum()

    def _on_code_changed(self) -> None:
        """Somebody else moved the code: its base moves with it, where it did."""
        code = self._space.code
        if not self._moving:
            moved = code != self._before if len(code) == len(self._before) else np.ones(len(code), np.bool_)
            self._base = np.where(moved, code - self._sum(), self._base) if self._amounts else code
        self._before = code

    def _forget_amounts(self) -> None:
        if self._amounts:
            self._amounts.clear()
            self._base = self._space.code
            self.amounts_changed.emit()

    def _on_run_changed(self) -> None:
        self._latest.reset()
        self.found, self.found_step, self.problem = (), -1, ""
        self._amounts.clear()
        self._base = self._before = self._space.code
        able = [kind for kind in KINDS if not self.possible(kind)]
        if able and self.possible(self.kind):
            self.kind = able[0]
        self.changed.emit()
        self.amounts_changed.emit()

    def _on_halted(self) -> None:
        self._latest.reset()
        self.changed.emit()

"""The code of a view of a latent space: a base, amounts along directions, locks, and the traversed dimension.

Shapes: Z latent dimensions.
"""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.latents.code_range import RANGES, Code, CodeRange
from gmstudio.window.state.latents.direction import Direction

MAX_AMOUNT = 6.0
"""Largest amount along a direction, either way."""


@dataclass(frozen=True, eq=False)
class CodeView:
    """Code, locks and traversed dimension of a view, to be restored later.

    Args:
        values: (Z,) float32.
        locked: (Z,) dimensions that keep their value.
        dim: the traversed dimension.
    """

    values: Code
    locked: NDArray[np.bool_]
    dim: int


class CodeSnapshot(NamedTuple):
    """Content of a ``LatentCode``; the fields are those of the code."""

    values: Code
    base: Code
    amounts: Mapping[Direction, float]
    locked: NDArray[np.bool_]


class LatentCode(QObject):
    """Code z = clip(b + Σ_k a_k d_k) of one view, its locks, and the dimension of its traversal.

    Single dimensions and whole codes set the base b; each direction d_k adds its amount a_k. A locked dimension keeps
    its value except in ``set_value``. Setters validate and clip; signals follow when all values agree. Arrays are
    replaced and never written to, so that a reference to one stays valid. Every setter is an edit of its own.

    Args:
        edits: recorder of them; None: one of its own.
        symbol_of: symbol of a dimension, in names of edits.

    Signals:
        values_changed: ``values`` differ.
        amounts_changed: ``amounts`` differ.
        locks_changed: ``locked`` differs.
        dim_changed: ``dim`` differs.
    """

    values_changed = Signal()
    amounts_changed = Signal()
    locks_changed = Signal()
    dim_changed = Signal()

    def __init__(
        self,
        parent: QObject | None = None,
        edits: EditRecorder | None = None,
        symbol_of: Callable[[int], str] = "dimension {}".format,
    ) -> None:
        super().__init__(parent)
        self._edits = EditRecorder(self) if edits is None else edits
        self._symbol_of = symbol_of
        self._range = RANGES["normal"]
        self._values: Code = np.zeros(0, np.float32)
        self._base = self._values
        self._amounts: dict[Direction, float] = {}
        self._locked: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._dim = 0
        self._dim_chosen = False

    def restart(self, num_dims: int, code_range: CodeRange, view: CodeView | None = None) -> None:
        """Take the values of another latent space; its owner announces the change as a whole.

        Args:
            num_dims: Z; 0: no latent space.
            code_range: range of its coordinates.
            view: values to begin with; None, or one of another size: z = 0, nothing locked.
        """
        if view is None or len(view.values) != num_dims:
            view = CodeView(np.zeros(num_dims, np.float32), np.zeros(num_dims, np.bool_), 0)
            self._dim_chosen = False
        else:
            self._dim_chosen = True
        self._range = code_range
        self._values = self._base = view.values
        self._locked, self._dim, self._amounts = view.locked, view.dim, {}

    # ---- values ------------------------------------------------------------------------------------------------

    @property
    def values(self) -> Code:
        """(Z,) float32, in the unit of ``range``; empty without a latent space."""
        return self._values

    @property
    def base(self) -> Code:
        """(Z,) float32, the code without its directions."""
        return self._base

    @property
    def amounts(self) -> Mapping[Direction, float]:
        """Amounts along directions, other than 0."""
        return MappingProxyType(self._amounts)

    @property
    def locked(self) -> NDArray[np.bool_]:
        """(Z,) dimensions that keep their value."""
        return self._locked

    @property
    def dim(self) -> int:
        """The traversed dimension: the one that was set or chosen last."""
        return self._dim

    @property
    def range(self) -> CodeRange:
        """Range of the coordinates."""
        return self._range

    @property
    def num_dims(self) -> int:
        """Z; 0 without a latent space."""
        return len(self._values)

    @property
    def view(self) -> CodeView:
        """Values to restore later; amounts are part of ``values``."""
        return CodeView(self._values, self._locked, self._dim)

    def amount(self, direction: Direction) -> float:
        """Amount along a direction, in its unit."""
        return self._amounts.get(direction, 0.0)

    def constrained(self, values: NDArray[np.floating]) -> Code:
        """(Z,) values as ``set_values`` would take them: clipped, with locked dimensions as they are.

        Raises:
            ValueError: when they are not Z finite numbers.
        """
        if values.shape != self._values.shape:
            raise ValueError(f"A code of shape {values.shape}; this latent space has {self.num_dims} dimensions.")
        if not np.isfinite(values).all():
            raise ValueError("The code holds numbers that are not finite; train again with a lower learning rate.")
        return np.where(self._locked, self._values, self._range.clip(values)).astype(np.float32)

    # ---- setters -----------------------------------------------------------------------------------------------

    def set_value(self, dim: int, value: float) -> None:
        """Set one coordinate, locked or not, and traverse it; amounts stay and the base follows.

        Args:
            dim: 0 … Z-1.
            value: in the unit of ``range``; clipped.

        Raises:
            ValueError: for a dimension that does not exist or a value that is not finite.
        """
        if not 0 <= dim < self.num_dims:
            raise ValueError(f"There is no latent dimension {dim}; they go from 0 to {self.num_dims - 1}.")
        if not math.isfinite(value):
            raise ValueError(
                f"Dimension {dim} cannot be {value}; enter a number from {self._range.low:g} to {self._range.high:g}."
            )
        values = self._values.copy()
        values[dim] = min(self._range.high, max(self._range.low, value))
        with self._edits.recording(f"Set {self._symbol_of(dim)}", key=f"value {dim}"):
            self._dim_chosen = True
            self._put(values, self._rebased(values), self._amounts, dim)

    def set_values(self, values: NDArray[np.floating]) -> None:
        """Set the whole code: it becomes the base, and all amounts 0; locked dimensions stay.

        Raises:
            ValueError: when it is not Z finite numbers.
        """
        code = self.constrained(values)
        with self._edits.recording("Set the code"):
            self._put(code, code, {}, self._dim)

    def move_to(self, values: NDArray[np.floating]) -> None:
        """Set the whole code by its base, as on a map: amounts stay; locked dimensions too.

        Raises:
            ValueError: when it is not Z finite numbers.
        """
        code = self.constrained(values)
        with self._edits.recording("Move on the map", key="map"):
            self._put(code, self._rebased(code), self._amounts, self._dim)

    def set_amount(self, direction: Direction, amount: float) -> None:
        """Set the amount along a direction; 0 takes the direction out exactly.

        Args:
            direction: in this latent space.
            amount: in its unit; clipped to ``MAX_AMOUNT``.

        Raises:
            ValueError: when the amount is not finite, or the direction belongs to another space.
        """
        if not math.isfinite(amount):
            raise ValueError(
                f"{direction.name} cannot be {amount}; enter a number from -{MAX_AMOUNT:g} to {MAX_AMOUNT:g}."
            )
        if len(direction.vector) != self.num_dims:
            raise ValueError(
                f"{direction.name} has {len(direction.vector)} dimensions, this latent space {self.num_dims}; "
                "choose a direction of this run."
            )
        amount = min(MAX_AMOUNT, max(-MAX_AMOUNT, amount))
        if amount != self.amount(direction):
            amounts = {d: a for d, a in {**self._amounts, direction: amount}.items() if a}
            with self._edits.recording(f"Move along {direction.name}", key=f"amount {id(direction)}"):
                self._put(self.constrained(self._base + self._sum(amounts)), self._base, amounts, self._dim)

    def detach(self, directions: Collection[Direction]) -> None:
        """Take directions out and leave the code where it is: the base takes over their amounts."""
        amounts = {d: a for d, a in self._amounts.items() if d not in directions}
        if len(amounts) < len(self._amounts):
            self._put(self._values, self._values - self._sum(amounts), amounts, self._dim)

    def exchange(self, direction: Direction, other: Direction) -> None:
        """Put an equal direction, of another name, in the place of one; the code is the same."""
        self._amounts = {other if d is direction else d: a for d, a in self._amounts.items()}

    def reset(self) -> None:
        """Go to z = 0: the prior's mean, or all units off."""
        with self._edits.recording("Reset"):
            self.set_values(np.zeros_like(self._values))

    def randomize(self, seed: int | None = None) -> None:
        """Sample the code from a normal prior, see ``CodeRange.sample``; others see ``CodeSampling``."""
        with self._edits.recording("Randomize"):
            self.set_values(self._range.sample(self.num_dims, seed))

    def perturb(self, seed: int | None = None) -> None:
        """Go to a nearby code, preserving the prior, see ``CodeRange.perturb``."""
        with self._edits.recording("Perturb"):
            self.set_values(self._range.perturb(self._values, seed))

    def set_locked(self, dim: int, locked: bool) -> None:
        """Lock or unlock a dimension."""
        if self._locked[dim] != locked:
            base = self._base.copy()
            base[dim] = self._values[dim] - self._sum(self._amounts)[dim]
            changed = self._locked.copy()
            changed[dim] = locked
            with self._edits.recording(f"{'Lock' if locked else 'Unlock'} {self._symbol_of(dim)}"):
                self._base, self._locked = base, changed
                self.locks_changed.emit()

    def unlock(self) -> None:
        """Unlock all dimensions."""
        with self._edits.recording("Unlock all dimensions"):
            for dim in np.flatnonzero(self._locked):
                self.set_locked(int(dim), False)

    def choose_dim(self, dim: int) -> None:
        """Traverse another dimension; one that does not exist is ignored."""
        if 0 <= dim < self.num_dims:
            self._dim_chosen = True
            self._put(self._values, self._base, self._amounts, dim)

    def suggest_dim(self, dim: int) -> None:
        """Traverse a dimension unless one was chosen or suggested before."""
        if not self._dim_chosen:
            self.choose_dim(dim)

    # ---- consistency -------------------------------------------------------------------------------------------

    def snapshot(self) -> CodeSnapshot:
        """Return the content to undo edits with; the traversed dimension is none of it."""
        return CodeSnapshot(self._values, self._base, self._amounts, self._locked)

    def restore(self, snapshot: CodeSnapshot) -> None:
        """Show the content of a snapshot again; signals follow as for an edit."""
        if not np.array_equal(snapshot.locked, self._locked):
            self._locked = snapshot.locked
            self.locks_changed.emit()
        self._put(snapshot.values, snapshot.base, dict(snapshot.amounts), self._dim)

    def _sum(self, amounts: Mapping[Direction, float]) -> Code:
        """(Z,) Σ_k a_k d_k."""
        total = np.zeros_like(self._values)
        for direction, amount in amounts.items():
            total += np.float32(amount) * direction.vector
        return total

    def _rebased(self, values: Code) -> Code:
        """(Z,) base that gives these values with the present amounts; unchanged where the values are."""
        if not self._amounts:
            return values
        return np.where(values != self._values, values - self._sum(self._amounts), self._base)

    def _put(self, values: Code, base: Code, amounts: dict[Direction, float], dim: int) -> None:
        """Replace all values together, then emit the signals of those that differ."""
        moved, added, turned = not np.array_equal(values, self._values), amounts != self._amounts, dim != self._dim
        if moved:
            self._values = values
        self._base, self._amounts, self._dim = base, amounts, dim
        for differs, signal in (
            (turned, self.dim_changed),
            (moved, self.values_changed),
            (added, self.amounts_changed),
        ):
            if differs:
                signal.emit()

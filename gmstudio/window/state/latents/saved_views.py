"""Saved views of latent spaces: the code and the interpolation of each run, and a view that a file restores.

The codes outlive the window.

Shapes: Z latent dimensions.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.families import LatentSpec
from gmstudio.window.state.latents.code import CodeView
from gmstudio.window.state.latents.code_range import RANGES
from gmstudio.window.state.latents.interpolation import Interpolation, KeyframePath
from gmstudio.window.state.latents.map import MapView
from gmstudio.window.state.latents.space import LatentSpace

MAX_KEPT = 8
"""Runs whose codes outlive the window, those seen last."""
DIGITS = 9
"""Decimal digits that give a float32 back exactly."""
FIRST_SEEDS = (1, 2)
"""Seeds of the two keyframes that an interpolation begins with."""


@dataclass(frozen=True, eq=False)
class SavedView:
    """View of a run.

    Args:
        code: code, locks and traversed dimension; None: z = 0.
        interpolation: keyframes, settings and position.
    """

    code: CodeView | None
    interpolation: KeyframePath


@dataclass(frozen=True, eq=False)
class _Expected:
    """View that a file restores as soon as its run is open."""

    run: str
    interpolation: KeyframePath
    map_view: MapView | None


class SavedViews(QObject):
    """Views of the runs that were left, for when they are selected again.

    Args:
        space: the selected run.
        interpolation: through its latent space.

    Signals:
        restored: an expected view is shown; with the ``MapView`` to be shown too, or None.
        refused: an expected view does not fit the run, a sentence.
    """

    restored = Signal(object)
    refused = Signal(str)

    def __init__(self, space: LatentSpace, interpolation: Interpolation) -> None:
        super().__init__(space)
        self._space, self._interpolation = space, interpolation
        self._saved: dict[str, SavedView] = {}
        self._kept: dict[str, CodeView] = {}
        self._expected: _Expected | None = None

    def save(self) -> None:
        """Save the view of the selected run."""
        if self._space.code.num_dims:
            run = self._space.run
            self._saved[run] = SavedView(self._space.code.view, self._interpolation.keyframe_path)
            self._kept.pop(run, None)  # so that it is the last one
            self._kept[run] = self._space.code.view

    def codes(self) -> dict[str, Any]:
        """Codes of the runs seen last, that of the selected one among them, as JSON values."""
        self.save()
        return {run: _values_of(view) for run, view in list(self._kept.items())[-MAX_KEPT:]}

    def restore_codes(self, values: object) -> None:
        """Take codes that were kept, perhaps by another version; what is none is left out."""
        for run, kept in values.items() if isinstance(values, dict) else ():
            view = _view_from(kept)
            if view is not None:
                self._kept[str(run)] = view

    def view_of(self, run: str, spec: LatentSpec) -> SavedView:
        """View to begin with: the saved one where it fits, else the kept code or z = 0, and two samples of the prior.

        Other keyframes to begin with are sampled by ``CodeSampling``.
        """
        saved = self._saved.get(run)
        if saved is not None and saved.code is not None and len(saved.code.values) == spec.num_dims:
            return saved
        code = self._kept.get(run)
        if code is not None and len(code.values) == spec.num_dims:
            code = CodeView(RANGES[spec.prior].clip(code.values), code.locked, code.dim)
        else:
            code = None
        if spec.prior != "normal":
            return SavedView(code, KeyframePath(()))
        keyframes = tuple(RANGES[spec.prior].sample(spec.num_dims, seed) for seed in FIRST_SEEDS)
        return SavedView(code, KeyframePath(keyframes))

    def expect(self, run: str, interpolation: KeyframePath, map_view: MapView | None) -> None:
        """Have a run show this interpolation, and map, as soon as ``restore_expected`` finds it open."""
        self._expected = _Expected(run, interpolation, map_view)

    def restore_expected(self) -> None:
        """Show what is expected of the selected run, which is open; the code goes to the interpolation's position."""
        expected, code, interpolation = self._expected, self._space.code, self._interpolation
        if expected is None or expected.run != self._space.run:
            return
        self._expected = None
        sizes = {len(keyframe) for keyframe in expected.interpolation.keyframes}
        if sizes != {code.num_dims}:
            found = ", ".join(map(str, sizes)) or "no"
            self.refused.emit(
                f"The codes have {found} dimensions, this run has {code.num_dims}: they belong to another run. "
                "Bring its folder back."
            )
            return
        code.unlock()
        interpolation.restore(expected.interpolation)
        interpolation.go_to(interpolation.position)
        self.restored.emit(expected.map_view)


def _values_of(view: CodeView) -> dict[str, Any]:
    """Code, locked dimensions and traversed dimension as JSON values."""
    values = [float(f"{value:.{DIGITS}g}") for value in view.values.tolist()]
    return {"values": values, "locked": np.flatnonzero(view.locked).tolist(), "dim": view.dim}


def _view_from(kept: object) -> CodeView | None:
    """View of JSON values; None where they are none."""
    if not isinstance(kept, dict):
        return None
    values, locked, dim = kept.get("values"), kept.get("locked"), kept.get("dim")
    if not isinstance(values, list) or not isinstance(locked, list) or type(dim) is not int:
        return None
    whole = all(type(one) is int and 0 <= one < len(values) for one in (*locked, dim))
    if not whole or not all(type(value) in (int, float) and math.isfinite(value) for value in values):
        return None
    mask = np.zeros(len(values), np.bool_)
    mask[locked] = True
    return CodeView(np.array(values, np.float32), mask, dim)

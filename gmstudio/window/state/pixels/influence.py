"""Influence of single placed sub-pixels on the next conditional, which the engine measures by changing them."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.pixels import InfluenceMeasured, MeasureInfluence
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.pixels.comparison import PixelComparison
from gmstudio.window.state.pixels.navigator import PixelNavigator
from gmstudio.window.state.pixels.receptive_field import blind_spot
from gmstudio.window.state.pixels.snapshot import PixelSnapshot


@dataclass(frozen=True)
class Influence:
    """Measured influence.

    Args:
        state: the generation.
        own: under its own model.
        other: under the other model of the comparison, or None.
    """

    state: PixelSnapshot
    own: InfluenceMeasured
    other: InfluenceMeasured | None = None


class PixelInfluence(QObject):
    """Changes placed sub-pixels, one alone, and keeps what that does to the next conditional until it moves.

    Attributes:
        measured: the last result about the current position, or None.
        problem: why there is none, a sentence; "" when there is none.

    Signals:
        changed: ``measured`` or ``problem``.
    """

    changed = Signal()

    def __init__(
        self, link: EngineLink, navigator: PixelNavigator, comparison: PixelComparison, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.measured: Influence | None = None
        self.problem = ""
        self._navigator, self._comparison = navigator, comparison
        self._asked: PixelSnapshot | None = None
        self._request = Request(link, self)
        self._request.replied.connect(self._on_measured)
        self._request.failed.connect(self._on_failed)
        navigator.moved.connect(self._drop)

    def refusal(self) -> str:
        """Return why no pixel of a blind spot can be changed now; "" when one can."""
        state = self._navigator.state
        if state is None or state.finished or not self._navigator.usable:
            return "There is no next sub-pixel whose conditional could change."
        if not blind_spot(state.order, state.step, state.context).any():
            return "The next sub-pixel has no blind spot here: all nearby earlier pixels have influence."
        return ""

    def change_blind_pixel(self) -> None:
        """Change the nearest sub-pixel of the blind spot and, for contrast, the nearest of the receptive field."""
        state = self._navigator.state
        if state is not None and not self.refusal():
            blind = blind_spot(state.order, state.step, state.context)
            self._measure(state, (_nearest(state, blind), _nearest(state, state.context)))

    def change_pixel(self, row: int, column: int) -> None:
        """Change the placed sub-pixels of a pixel, each alone."""
        state = self._navigator.state
        if state is not None and not state.finished and self._navigator.usable:
            steps = [step for step in state.steps_of_pixel(row, column).tolist() if step < state.step]
            if steps:
                self._measure(state, tuple(steps))

    def _measure(self, state: PixelSnapshot, steps: tuple[int, ...]) -> None:
        self.measured, self.problem, self._asked = None, "", state
        self._request.send(MeasureInfluence(session=state.session, step=state.step, changed=steps))
        self.changed.emit()

    def _on_measured(self, event: InfluenceMeasured) -> None:
        state = self._asked
        if state is None:
            return
        if event.run and self.measured is not None:
            self.measured = Influence(state, self.measured.own, event)
        else:
            self.measured = Influence(state, event)
            if self._comparison.other:
                self._request.send(
                    MeasureInfluence(
                        session=state.session, step=state.step, changed=event.changed, run=self._comparison.other
                    )
                )
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self.problem = failure.message
        self.changed.emit()

    def _drop(self) -> None:
        """Drop what was measured at another position."""
        if self._asked is not None and self._asked is not self._navigator.state:
            self._request.drop()
            self.measured, self.problem, self._asked = None, "", None
            self.changed.emit()


def _nearest(state: PixelSnapshot, mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int:
    """Step of the nearest sub-pixel of a mask (C, H, W) to the next one, the latest of equally near ones."""
    _, row, column = state.place_of(state.step)
    steps = np.flatnonzero(mask[tuple(state.order[: state.step].T)])
    _, rows, columns = state.order[steps].T
    distance = (rows - row) ** 2 + (columns - column) ** 2
    return int(steps[::-1][distance[::-1].argmin()])

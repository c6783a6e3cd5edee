"""Two models on the same context: what another run's model makes of the sub-pixels that a generation has placed.

Shapes: H height, W width, L levels.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QElapsedTimer

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import CommandFailed, EngineReported
from gmstudio.protocol.pixels import ComparePixels, PixelsCompared
from gmstudio.protocol.runs import RunInfo
from gmstudio.window.state.pixels.follower import PixelFollower
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import CAPABILITY, PixelsState

LIVE_MS = 400
"""While the other model trains, it is asked again this often."""
TINY = float(np.finfo(np.float32).tiny)
"""Smallest probability whose logarithm is taken; 87.3 nats."""


def kl_nats(p: NDArray[np.floating], q: NDArray[np.floating]) -> float:
    """KL(p ‖ q) = Σ p log(p / q), in nats; probabilities below float32's smallest number count as that."""
    exact = p.astype(np.float64)
    ratio = np.log(np.maximum(exact, TINY)) - np.log(np.maximum(q.astype(np.float64), TINY))
    return max(0.0, float((exact * ratio).sum()))


@dataclass(frozen=True)
class Compared:
    """Both models' view of the same sub-pixels.

    Args:
        state: where the generation stands, with its own model's view.
        other: the other model's view.
    """

    state: PixelSnapshot
    other: PixelsCompared

    @property
    def other_nats(self) -> float:
        """−log p of what is placed, of the other model."""
        return float(self.other.nats.numpy().sum(dtype=np.float64))

    @property
    def other_bits_per_dim(self) -> float:
        """Bits per placed sub-pixel of the other model; 0 before the first."""
        return self.other_nats / (self.other.step * math.log(2.0)) if self.other.step else 0.0

    @property
    def advantage(self) -> float:
        """By how many nats log p of the generation's own model is above the other's; negative where the other's is."""
        return self.other_nats - self.state.total_nats

    def divergences(self) -> tuple[float, float] | None:
        """KL(own ‖ other) and KL(other ‖ own) of the next conditionals, in nats; None at the end."""
        if self.state.finished:
            return None
        own, other = self.state.conditional, self.other.conditional.numpy()
        return kl_nats(own, other), kl_nats(other, own)

    def log_ratio(self) -> NDArray[np.float64]:
        """(H, W) log p_other − log p_own per pixel, summed over its channels, in nats; NaN where nothing is placed."""
        state = self.state
        ratio = np.full(state.spec.shape[1:], np.nan)
        _, row, column = state.order[: state.step].T
        ratio[row, column] = 0.0
        np.add.at(ratio, (row, column), state.nats.astype(np.float64) - self.other.nats.numpy())
        return ratio


class PixelComparison(PixelFollower):
    """Sets another run's model beside the one that generates.

    Args:
        session: whose generation is scored by both.

    Attributes:
        other: path of the other run, or "".
        compared: both views, of one place; or None.
        looking: somebody looks at the comparison.
    """

    def __init__(self, session: PixelsState) -> None:
        super().__init__(session)
        self.other = ""
        self.compared: Compared | None = None
        self.looking = False
        self._library = session.library
        self._since_asked = QElapsedTimer()
        self._since_asked.start()
        self._navigator.moved.connect(self._drop_other)
        session.library.changed.connect(self._on_library_changed)
        session.events.on(EngineReported).connect(self._on_reported)

    # ---- what is compared ----------------------------------------------------------------------------------------

    def candidates(self) -> list[RunInfo]:
        """Runs that can be compared with: the same images, generated pixel by pixel; the generation's own run last.

        Its own run with its current weights is another model as soon as it was trained further.
        """
        state = self._navigator.state
        if state is None:
            return []
        fitting = [info for info in self._library.runs_with(CAPABILITY) if info.image == state.spec]
        return sorted(fitting, key=lambda info: info.run == state.run)

    def choose(self, run: str) -> None:
        """Compare with another run; "": with none."""
        if run != self.other:
            self.other, self.compared, self.problem = run, None, ""
            self.changed.emit()
            self.follow()

    def set_looking(self, looking: bool) -> None:
        """Somebody looks at the comparison, or nobody does any more; the first time a run is chosen by itself."""
        self.looking = looking
        if not looking:
            self.rest()
        elif not self.other:
            self._choose_first()
        self.follow()
        self.changed.emit()

    def title(self, run: str) -> str:
        """A run in words."""
        info = self._library.info(run)
        return info.title if info is not None else run

    def other_model(self, state: PixelSnapshot) -> NDArray[np.float32] | None:
        """(L,) the other model's conditional of the next sub-pixel of a state, when it is known and looked at."""
        compared = self.compared
        if not self.looking or compared is None or state.finished:
            return None
        fits = compared.state is state or (
            compared.other.session == state.session
            and compared.other.step == state.step
            and np.array_equal(compared.state.image, state.image)
        )
        return compared.other.conditional.numpy() if fits else None

    def _choose_first(self) -> None:
        state = self._navigator.state
        others = [info.run for info in self.candidates() if state is not None and info.run != state.run]
        if others:
            self.choose(others[0])

    # ---- asking --------------------------------------------------------------------------------------------------

    def _command(self, state: PixelSnapshot) -> Command | None:
        return ComparePixels(session=state.session, run=self.other) if self.looking and self.other else None

    def _ask(self) -> None:
        self._since_asked.start()
        super()._ask()

    def _learn(self, event: Event, state: PixelSnapshot) -> None:
        """The engine answers in order, so the place that it told last is the one it compared at."""
        assert isinstance(event, PixelsCompared)
        if event.run == self.other and event.step == state.step:
            self.compared = Compared(state, event)

    def _on_failed(self, event: CommandFailed) -> None:
        super()._on_failed(event)
        if self.problem:
            self.compared = None
            self.changed.emit()

    def _drop_other(self) -> None:
        """A comparison of another generation says nothing here; a run of other images cannot be compared with."""
        state = self._navigator.state
        if self.compared is not None and (state is None or self.compared.state.run != state.run):
            self.compared = None
            self.changed.emit()
        if state is not None and self.other and all(info.run != self.other for info in self.candidates()):
            self.choose("")
        if self.looking and not self.other:
            self._choose_first()

    def _on_library_changed(self) -> None:
        self._drop_other()
        self.changed.emit()

    def _on_reported(self, event: EngineReported) -> None:
        """The other model trains: see what it has learned since."""
        learning = event.state == "training" and self.other and self.other == self._library.live
        if learning and self.looking and not self._latest.busy and self._since_asked.elapsed() >= LIVE_MS:
            self._ask()


def comparison_of(session: PixelsState) -> PixelComparison:
    """The comparison of a session's generation; made when it is first asked for."""
    found = session.findChild(PixelComparison)
    return found if isinstance(found, PixelComparison) else PixelComparison(session)

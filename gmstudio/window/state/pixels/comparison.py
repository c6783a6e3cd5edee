"""Two models on the same context: scores of a generation's sub-pixels under another run's model.

Shapes: H height, W width, L levels.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from gmstudio.protocol.engine import CommandFailed, EngineReported
from gmstudio.protocol.pixels import ComparePixels, PixelsCompared
from gmstudio.protocol.runs import RunInfo
from gmstudio.window.client.budget import Budget
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.pixels.follower import SHARE, Answer, PixelFollower
from gmstudio.window.state.pixels.generation_link import CAPABILITY
from gmstudio.window.state.pixels.navigator import PixelNavigator
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.runs.library import RunLibrary

TRAINING_GAP_S = 0.4
"""Least time between two comparisons with a model in training."""
TINY = float(np.finfo(np.float32).tiny)
"""Smallest probability whose logarithm is taken: 87.3 nats."""


def kl_nats(p: NDArray[np.floating], q: NDArray[np.floating]) -> float:
    """KL(p ‖ q) = Σ p log(p / q), nats; probabilities below float32's smallest number count as that."""
    exact = p.astype(np.float64)
    ratio = np.log(np.maximum(exact, TINY)) - np.log(np.maximum(q.astype(np.float64), TINY))
    return max(0.0, float((exact * ratio).sum()))


@dataclass(frozen=True)
class Compared:
    """Scores of the same sub-pixels under two models.

    Args:
        state: the generation, with the scores of its own model.
        other: those of the other model.
    """

    state: PixelSnapshot
    other: PixelsCompared

    @property
    def other_nats(self) -> float:
        """−log p of the placed sub-pixels under the other model, nats."""
        return float(self.other.nats.numpy().sum(dtype=np.float64))

    @property
    def other_bits_per_dim(self) -> float:
        """Bits per placed sub-pixel under the other model; 0 before the first."""
        return self.other_nats / (self.other.step * math.log(2.0)) if self.other.step else 0.0

    @property
    def advantage(self) -> float:
        """Log p_own − log p_other of the placed sub-pixels, nats."""
        return self.other_nats - self.state.total_nats

    def divergences(self) -> tuple[float, float] | None:
        """KL(own ‖ other) and KL(other ‖ own) of the next conditionals, nats; None at the end."""
        if self.state.finished:
            return None
        own, other = self.state.conditional, self.other.conditional.numpy()
        return kl_nats(own, other), kl_nats(other, own)

    def log_ratio(self) -> NDArray[np.float64]:
        """(H, W) log p_other − log p_own per pixel, summed over its channels, nats; NaN where nothing is placed."""
        state = self.state
        ratio = np.full(state.spec.shape[1:], np.nan)
        _, row, column = state.order[: state.step].T
        ratio[row, column] = 0.0
        np.add.at(ratio, (row, column), state.nats.astype(np.float64) - self.other.nats.numpy())
        return ratio


class PixelComparison(PixelFollower):
    """Compares another run's model with the generation's own on the same sub-pixels.

    Attributes:
        other: name of the other run, or "".
        compared: scores of both, at one position; or None.
        training_budget: of comparisons that are repeated because the other model trains.
    """

    def __init__(
        self, link: EngineLink, library: RunLibrary, navigator: PixelNavigator, parent: QObject | None = None
    ) -> None:
        super().__init__(link, library, navigator, parent)
        self.other = ""
        self.compared: Compared | None = None
        self.training_budget = Budget(SHARE, gap_s=TRAINING_GAP_S)
        navigator.moved.connect(self._drop_other)
        library.changed.connect(self._on_library_changed)
        library.checkpoint_chosen.connect(self._on_checkpoint_chosen)
        link.on(EngineReported).connect(self._on_reported)

    # ---- the other run ---------------------------------------------------------------------------------------------

    def candidates(self) -> list[RunInfo]:
        """Runs to compare with: autoregressive ones of the same images; the generation's own run last.

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

    def set_active(self, active: bool) -> None:
        """Compare from now on, or no more; the first time a run is chosen by itself."""
        self.active = active
        if active and not self.other:
            self._choose_first()
        self._update()
        self.changed.emit()

    def name_of(self, run: str) -> str:
        """Title of a run."""
        info = self._library.info(run)
        return info.title if info is not None else run

    def names(self) -> tuple[str, str]:
        """Names of the generation's own model and of the other one; with the training step where they are equal."""
        state, compared = self._navigator.state, self.compared
        own, other = self.name_of(state.run if state is not None else ""), self.name_of(self.other)
        if own == other and compared is not None:
            steps = (compared.state.weights_step, compared.other.weights_step)
            own, other = (f"{name}, step {step:,}" for name, step in zip((own, other), steps, strict=True))
        return own, f"{other} (2)" if own == other else other

    def other_model(self, state: PixelSnapshot) -> NDArray[np.float32] | None:
        """(L,) the other model's conditional of the next sub-pixel, while the comparison is shown and it is known."""
        compared = self.compared
        if not self.active or compared is None or state.finished:
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

    # ---- requests --------------------------------------------------------------------------------------------------

    def _command(self, state: PixelSnapshot) -> ComparePixels | None:
        return ComparePixels(session=state.session, run=self.other) if self.active and self.other else None

    def _on_answer(self, event: Answer, state: PixelSnapshot) -> None:
        """Take an answer about the current position; the engine answers in order, so none before it is missed."""
        assert isinstance(event, PixelsCompared)
        if event.run == self.other and event.step == state.step:
            self.compared = Compared(state, event)

    def _on_failed(self, failure: CommandFailed) -> None:
        super()._on_failed(failure)
        if self.problem:
            self.compared = None
            self.changed.emit()

    def _drop_other(self) -> None:
        """Drop the scores of another generation, and a run of other images."""
        state = self._navigator.state
        if self.compared is not None and (state is None or self.compared.state.run != state.run):
            self.compared = None
            self.changed.emit()
        if state is not None and self.other and all(info.run != self.other for info in self.candidates()):
            self.choose("")
        if self.active and not self.other:
            self._choose_first()

    def _on_library_changed(self) -> None:
        self._drop_other()
        self.changed.emit()

    def _on_checkpoint_chosen(self, run: str) -> None:
        if run == self.other and self.active:
            self._submit()

    def _on_reported(self, event: EngineReported) -> None:
        """While the other model trains, compare again with its newer weights."""
        trains = event.state == "training" and self.other and self.other == self._library.live
        if trains and self.active and not self._latest.busy and self.training_budget.wait_s == 0:
            self._submit()

    def _submit(self) -> None:
        self.training_budget.begin()
        super()._submit()

    def _end_work(self) -> None:
        self.training_budget.end()
        super()._end_work()

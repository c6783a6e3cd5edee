"""Continuations in the Pixels panel: sixteen samples of the rest of the image."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.state.pixels.state import NUM_CONTINUATIONS, PixelsState

EXPLANATION = (
    f"Samples {NUM_CONTINUATIONS} continuations of the placed pixels with the weights and temperature in use: the "
    "first takes the most likely value of every conditional (greedy), the others are drawn. Click a continuation to "
    "adopt it."
)
TIP = (
    "Click a continuation to adopt it. The outlined first one takes the most likely value of every conditional in "
    "turn; the most likely image overall may be another."
)
SAMPLE_TIP = f"Sample {NUM_CONTINUATIONS} continuations from here: one greedy, the others random"
MARK = "★"
"""Before the nats of the greedy continuation."""


class ContinuationsView(QWidget):
    """Grid of continuations with their nats; a click adopts one.

    Args:
        panel: gets the action.
        session: state that is shown and changed.
    """

    def __init__(self, panel: Panel, session: PixelsState) -> None:
        super().__init__(panel)
        self._panel, self._session = panel, session
        self.sample = panel.add_action(
            "continuations.sample",
            "Sample continuations",
            "F",
            session.sample_continuations,
            icon="continuation",
            everywhere=True,
            tip=SAMPLE_TIP,
        )
        self.images = ImageGrid()
        self.images.set_placeholder(EXPLANATION)
        panel.name_widget(self.images, "continuations", "Continuations", TIP)
        self._text = QLabel()
        self._text.setProperty("role", "muted")
        self._text.setWordWrap(True)
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        top = QHBoxLayout()
        top.addWidget(panel.button(self.sample))
        top.addWidget(self._text, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID, GRID, GRID, GRID)
        column.setSpacing(GRID // 2)
        column.addLayout(top)
        column.addWidget(self.images, 1)
        self.images.clicked.connect(session.adopt)
        session.continuations.changed.connect(self.refresh)
        session.navigator.moved.connect(self._refresh_action)
        session.navigator.changed.connect(self._refresh_action)
        self.refresh()

    def refresh(self) -> None:
        """Show the continuations so far."""
        sampled, state = self._session.continuations.sampled, self._session.state
        self._refresh_action()
        if sampled is None or state is None:
            self.images.set_images(self.images.images[:0])
            self.images.set_captions([])
            self.images.set_placeholder("Sampling …" if self._session.continuations.running else EXPLANATION)
            self._text.setText("")
            return
        nats = sampled.nats.numpy().astype(np.float64)
        self.images.set_levels_images(sampled.images.numpy(), state.spec.levels)
        self.images.set_captions(
            [f"{MARK}{nats[0]:.{1 if nats[0] < 100 else 0}f}", *(f"{value:.1f}" for value in nats[1:])]
        )
        self.images.set_selected(0)
        done = against_samples(nats[0], nats[1:], sampled.start)
        self._text.setText(done if sampled.done else f"{sampled.step:,} of {state.num_dims:,}")

    def _refresh_action(self) -> None:
        state = self._session.state
        navigator = self._session.navigator
        reason = "" if (navigator.usable or navigator.opening) and state is not None else "No generation is open."
        if state is not None and state.finished:
            reason = "The image is finished: go back to the pixel from which to continue."
        self._panel.allow(self.sample, reason)


def against_samples(greedy: float, samples: NDArray[np.float64], start: int) -> str:
    """Sentence that compares the nats of the greedy continuation with those of samples.

    Args:
        greedy: nats of the greedy continuation.
        samples: (N,) nats of the others.
        start: sub-pixels that they have in common.
    """
    better = int((samples < greedy).sum())
    note = f"{better} of {samples.size} samples are more likely" if better else "another image may be more likely"
    return (
        f"{MARK} greedy after the first {start:,}: {greedy:.1f} nats; {note}. "
        f"Samples: {samples.mean():.1f}\u00a0±\u00a0{samples.std():.1f}\u00a0nats."
    )

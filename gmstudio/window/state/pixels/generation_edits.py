"""Edits of a generation that can be undone: its order, class, observed part, and values chosen by the user.

The engine carries an edit out in several commands; it is recorded when the generation has come to rest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmstudio.window.state.edits import EditRecorder, same_content
from gmstudio.window.state.pixels.conditioning import ConditioningContent
from gmstudio.window.state.pixels.navigator import PixelNavigator
from gmstudio.window.state.pixels.order import OrderChoice
from gmstudio.window.state.pixels.phases import Idle

PART = "generation"


class Choices(NamedTuple):
    """Choices that a generation was opened with."""

    order: OrderChoice = OrderChoice()
    label: int = -1
    conditioning: ConditioningContent = ConditioningContent()


class GenerationContent(NamedTuple):
    """Content of a generation, to which an undone edit leads back.

    The fields are its choices, its (C, H, W) levels as far as they are placed (None: nothing is open), the number of
    placed sub-pixels, and the steps whose value the user chose.
    """

    choices: Choices
    levels: NDArray[np.uint8] | None
    step: int
    chosen: frozenset[int]


@dataclass(frozen=True)
class _Pending:
    name: str
    key: str
    before: GenerationContent


class GenerationEdits:
    """Records edits of a generation when they are carried out.

    Args:
        recorder: takes them; the content is its part ``PART``.
        navigator: of the generation.
        choices: returns the choices of the open generation.
        restore: shows a content again.
    """

    def __init__(
        self,
        recorder: EditRecorder,
        navigator: PixelNavigator,
        choices: Callable[[], Choices],
        restore: Callable[[GenerationContent], None],
    ) -> None:
        self._recorder, self._navigator, self._choices = recorder, navigator, choices
        self._pending: _Pending | None = None
        recorder.add_part(PART, self.content, restore)
        navigator.moved.connect(self._on_moved)

    def content(self) -> GenerationContent:
        """Return the content of the open generation."""
        shown, chosen = self._navigator.shown, self._navigator.chosen
        if shown is None:
            return GenerationContent(self._choices(), None, 0, frozenset())
        placed = frozenset(step for step in chosen if step < shown.step)
        return GenerationContent(self._choices(), shown.image, shown.step, placed)

    def begin(self, name: str, key: str = "") -> None:
        """Begin an edit; one that is still carried out becomes part of it.

        Args:
            name: an imperative; "": the edit belongs to another one, which is recorded elsewhere.
            key: consecutive edits of the same key are one.
        """
        if name:
            before = self._pending.before if self._pending is not None else self.content()
            self._pending = _Pending(name, key, before)
            self._recorder.expecting = True

    def begin_value(self, value: int) -> None:
        """Begin the choice of a value for the next sub-pixel, or for the one that is edited."""
        navigator, state = self._navigator, self._navigator.state
        if navigator.usable and state is not None and not state.finished:
            step = navigator.editing.step if navigator.editing is not None else state.step
            _, row, column = state.place_of(step)
            self.begin(f"Set row {row}, column {column} to {value}")

    def drop(self) -> None:
        """Forget the edit that is being carried out: it was refused, or belongs to another generation."""
        self._pending = None
        self._recorder.expecting = False

    def _on_moved(self) -> None:
        pending, navigator = self._pending, self._navigator
        if pending is None or navigator.busy or not isinstance(navigator.phase, Idle):
            return
        self.drop()
        after = self.content()
        if not same_content(pending.before, after):
            self._recorder.record(pending.name, pending.key, {PART: pending.before}, {PART: after})

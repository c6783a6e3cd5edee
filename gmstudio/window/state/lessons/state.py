"""The lessons that come with the program, which one is open, and at which step."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from PySide6.QtCore import QObject, Signal

from gmstudio.system.resources import resource_path
from gmstudio.window.state.lessons.lesson_text import Lesson, Step, parse_lesson

FOLDER = "lessons"
TITLES = {
    "chain-rule": "From the chain rule to PixelCNN",
    "likelihood": "Likelihood and divergence",
    "bound": "The bound of a variational autoencoder",
    "game": "The game of generator and discriminator",
    "flows-and-diffusion": "Flows and diffusion",
    "good-model": "What is a good model?",
    "density-scores": "What likelihood says of an image",
    "anomalies": "Likelihood and anomalies",
    "sample-quality": "How good are the samples?",
    "probe": "Features and few labels",
    "fine-tuning": "Fine-tuning an encoder",
    "projection": "Maps of images",
    "factors": "Disentangled codes",
    "one-image": "One image, every family",
    "bytes": "A model as a lossless coder",
}
"""Lessons in the order in which they are offered, name → title; their texts are read when one is opened."""


@cache
def lessons() -> dict[str, Lesson]:
    """Return the lessons by their names, in their order.

    Raises:
        LessonError: when one of them is not written as lessons are.
    """
    texts = {name: resource_path(f"{FOLDER}/{name}.md").read_text(encoding="utf-8") for name in TITLES}
    return {name: parse_lesson(name, text) for name, text in texts.items()}


class LessonsState(QObject):
    """Which lesson is open, and the step at which the reader is in each.

    Signals:
        changed: another lesson or step is open, or none.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.name = ""
        self._places: dict[str, int] = {}

    @property
    def lesson(self) -> Lesson | None:
        """The open lesson."""
        return lessons()[self.name] if self.name else None

    @property
    def number(self) -> int:
        """Number of the open step, from 0."""
        return self.place(self.name)

    @property
    def step(self) -> Step | None:
        """The open step."""
        return self.lesson.steps[self.number] if self.lesson is not None else None

    def place(self, name: str) -> int:
        """Number of the step, from 0, at which the reader is in a lesson."""
        kept = self._places.get(name, 0)
        return min(kept, len(lessons()[name].steps) - 1) if kept else 0

    def open(self, name: str) -> None:
        """Open a lesson where it was left; one that was read to its end begins anew. Unknown names are ignored."""
        if name not in TITLES:
            return
        if self.place(name) >= len(lessons()[name].steps) - 1:
            self._places[name] = 0
        self.name = name
        self.changed.emit()

    def close(self) -> None:
        """Close the lesson; its step is kept."""
        if self.name:
            self.name = ""
            self.changed.emit()

    def go(self, steps: int) -> None:
        """Go forward, or back, by a number of steps."""
        if self.lesson is None:
            return
        number = min(max(self.number + steps, 0), len(self.lesson.steps) - 1)
        if number != self.number:
            self._places[self.name] = number
            self.changed.emit()

    # ---- from one start of the window to the next ----------------------------------------------------------------

    def choices(self) -> dict[str, Any]:
        """Steps of the lessons, as JSON values."""
        return {"places": dict(self._places)}

    def restore_choices(self, values: Mapping[str, Any]) -> None:
        """Take the steps that were kept; lessons that do not exist are left out."""
        kept = values.get("places")
        for name, number in kept.items() if isinstance(kept, dict) else ():
            if name in TITLES and isinstance(number, int) and number >= 0:
                self._places[name] = number

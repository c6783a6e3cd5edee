"""Guesses of all sub-pixels of a generation at once, and the film of their rounds."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.pixels_guessing import GuessPixels, PixelsGuessed
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.frame_player import FramePlayer
from gmstudio.window.state.pixels.generation_edits import Choices
from gmstudio.window.state.pixels.guessed_film import GuessBegun, GuessedFilm
from gmstudio.window.state.pixels.navigator import PixelNavigator
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.tools import PixelTools

SPEED_HZ = 6.0


class PixelGuessing(FramePlayer):
    """Has all sub-pixels guessed, and plays the rounds.

    Args:
        link: the way to the engine.
        navigator: of the generation.
        tools: one that is selected ends showing the film.
        choices: returns the choices of the open generation.

    Attributes:
        film: rounds that arrived, or None.
        active: the view of the film is open; only then is it shown.
        shown: the film is shown in place of the generation; a move of the generation ends that.
        tints: its pixels are tinted by their state.
        problem: why the engine guesses nothing, a sentence; "" when there is none.

    Signals:
        changed: film, ``running``, ``shown``, ``tints`` or ``problem``.
    """

    changed = Signal()

    def __init__(
        self,
        link: EngineLink,
        navigator: PixelNavigator,
        tools: PixelTools,
        choices: Callable[[], Choices],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent, speed_hz=SPEED_HZ)
        self.film: GuessedFilm | None = None
        self.active = self.shown = False
        self.tints = True
        self.problem = ""
        self._navigator, self._choices = navigator, choices
        self._begun: GuessBegun | None = None
        self._expects_first = False
        self._request = Request(link, self)
        self._request.replied.connect(self._on_guessed)
        self._request.failed.connect(self._on_failed)
        self._before: PixelSnapshot | None = None
        navigator.moved.connect(self._on_generation_moved)
        tools.changed.connect(lambda: self.set_shown(self.shown and tools.tool == "go"))

    @property
    def length(self) -> int:
        """M, number of rounds that arrived."""
        return len(self.film) if self.film is not None else 0

    @property
    def running(self) -> bool:
        """Further rounds are being computed."""
        return self._request.busy

    @property
    def refusal(self) -> str:
        """Reason why nothing can be guessed now, a sentence; "" when it can."""
        navigator = self._navigator
        openable = navigator.usable or navigator.opening
        return "" if navigator.state is not None and openable else "No generation is open."

    def start(self) -> None:
        """Guess all that follows the current step; from the end, begin again from the start, as playing does."""
        navigator, state = self._navigator, self._navigator.shown
        if not navigator.usable or state is None:
            return
        navigator.pause()
        navigator.leave_edit()
        self._begun = GuessBegun(state, self._choices(), navigator.seed, navigator.temperature)
        stale = navigator.planner.path.stale
        step = navigator.start if state.finished else state.step
        command = GuessPixels(
            session=state.session,
            step=step if stale else self._after_chosen(step, state),
            temperature=navigator.temperature,
            seed=navigator.seed if stale else -1,
        )
        self._request.replace(command)
        self._expects_first, self.problem = True, ""
        self.changed.emit()

    def stop(self) -> None:
        """End the engine's work on further rounds; those that arrived stay."""
        self._request.cancel()
        self.changed.emit()

    def clear(self) -> None:
        """Drop the film, and end the engine's work on more."""
        self._request.cancel()
        self.pause()
        self.film, self.position, self.shown, self.problem = None, 0, False, ""
        self.changed.emit()

    def set_shown(self, shown: bool) -> None:
        """Show the film in place of the generation, or the generation."""
        shown = shown and self.active and self.film is not None
        if shown != self.shown:
            self.shown, self._before = shown, self._navigator.shown
            if not shown:
                self.pause()
            self.changed.emit()

    def set_active(self, active: bool) -> None:
        """Note whether the view of the film is open."""
        self.active = active
        if not active:
            self.set_shown(False)

    def set_tints(self, on: bool) -> None:
        """Tint the film's pixels by their state, or not."""
        self.tints = on
        self.changed.emit()

    def seek_round(self, number: int) -> None:
        """Pause, and show a round."""
        if self.film is not None:
            self.step(self.film.frame_of(number) - self.position)

    def step(self, by: int) -> None:
        """Pause, and show the film some rounds later or earlier."""
        super().step(by)
        self.set_shown(True)

    def play(self) -> None:
        """Show the film, one round after another; at the end, start again."""
        self.set_shown(True)
        if self.shown:
            super().play()

    def _after_chosen(self, step: int, state: PixelSnapshot) -> int:
        """Step after the last value on the path ahead that the user chose, which playing would place again."""
        held = max((chosen + 1 for chosen in self._navigator.chosen), default=0)
        return max(step, held) if held < state.num_dims else step

    def _on_generation_moved(self) -> None:
        """Show the generation when it moves; newer weights alone move nothing."""
        before, now = self._before, self._navigator.shown
        if before is None or now is None or before.step != now.step or not np.array_equal(before.image, now.image):
            self.set_shown(False)

    def _on_guessed(self, event: PixelsGuessed) -> None:
        assert self._begun is not None, "a guess was requested"
        if self.film is None or self._expects_first:
            self.pause()
            self.film, self.position, self._expects_first = GuessedFilm.of(self._begun, event), 0, False
            self.play()
        else:
            self.film = self.film.appended(event)
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self.problem = failure.message
        self.changed.emit()

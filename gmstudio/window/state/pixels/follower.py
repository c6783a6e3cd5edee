"""Answers about the position of a generation, requested again whenever it moves."""

from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.pixels import AttributePixel, ComparePixels, PixelAttributed, PixelsCompared
from gmstudio.window.client.budget import Budget
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.state.pixels.navigator import PixelNavigator
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.runs.library import RunLibrary

Question = AttributePixel | ComparePixels
Answer = PixelAttributed | PixelsCompared

SHARE = 0.25
"""Of the engine's time, while the generation plays; the rest is left for moving."""
GAP_S = 0.12
"""Least time between two requests while the generation plays."""


class PixelFollower(QObject):
    """Keeps an answer about the position of a generation up to date while it is active: latest wins.

    Args:
        link: the way to the engine.
        library: reports that the engine is gone.
        navigator: of the generation.

    Attributes:
        active: the answer is shown; only then is it requested.
        problem: why there is no newer answer, a sentence; "" when there is none.

    Signals:
        changed: an answer came, or what is requested is another.
    """

    changed = Signal()

    def __init__(
        self, link: EngineLink, library: RunLibrary, navigator: PixelNavigator, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.active = False
        self.problem = ""
        self._library, self._navigator = library, navigator
        self._budget = Budget(SHARE, gap_s=GAP_S)
        self._latest = LatestWins(link, self)
        self._requested: PixelSnapshot | None = None
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._submit)
        self._latest.replied.connect(self._on_replied)
        self._latest.failed.connect(self._on_failed)
        navigator.moved.connect(self.follow)
        navigator.changed.connect(self._on_navigator_changed)
        library.engine_lost.connect(self._on_engine_lost)

    # ---- for subclasses --------------------------------------------------------------------------------------------

    def _command(self, state: PixelSnapshot) -> Question | None:
        """Return the request about a position; None: nothing is needed."""
        raise NotImplementedError

    def _on_answer(self, event: Answer, state: PixelSnapshot) -> None:
        """Take an answer; the generation is in ``state`` now."""
        raise NotImplementedError

    # ---- requests --------------------------------------------------------------------------------------------------

    @property
    def moves_by_itself(self) -> bool:
        """The generation plays, or runs to the end."""
        return self._navigator.playing or self._navigator.finishing

    def set_active(self, active: bool) -> None:
        """Request answers from now on, or no more."""
        self.active = active
        self._update()

    def follow(self) -> None:
        """Request an answer about the current position: now, or within the budget while the generation plays."""
        if not self.moves_by_itself:
            self._timer.stop()
            self._submit()
        elif not (self._timer.isActive() or self._latest.busy) and self._wanted() is not None:
            self._timer.start(round(1000 * self._budget.wait_s))

    def _update(self) -> None:
        """Follow where there is something to request."""
        if self._wanted() is not None:
            self.follow()
        else:
            self._rest()

    def _rest(self) -> None:
        self._timer.stop()
        self._requested = None

    def _wanted(self) -> Question | None:
        state = self._navigator.state
        return self._command(state) if state is not None and self._navigator.usable else None

    def _submit(self) -> None:
        command = self._wanted()
        if command is not None:
            self._requested = self._navigator.state
            if not self._latest.busy:
                self._budget.begin()
            self._latest.submit(command)

    # ---- replies ---------------------------------------------------------------------------------------------------

    def _on_replied(self, event: Answer) -> None:
        self._end_work()
        state = self._navigator.state
        if state is not None and event.session == state.session:
            self.problem = ""
            self._on_answer(event, state)
            self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        """Report the failure, unless it concerns a generation or a position that was left."""
        self._end_work()
        command, state = self._latest.answered, self._navigator.state
        assert isinstance(command, Question), "only questions are submitted"
        current = state is not None and command.session == state.session
        if current and self._navigator.usable and not (self._navigator.busy or self._latest.busy):
            self.problem = failure.message
            self.changed.emit()

    def _end_work(self) -> None:
        self._budget.end()
        if self._latest.busy:  # a pending command was sent at once
            self._budget.begin()

    def _on_navigator_changed(self) -> None:
        """Request the last position when the generation has stopped; the last answer may be about an earlier one."""
        if not self.moves_by_itself and self._requested is not None and self._requested is not self._navigator.state:
            self.follow()

    def _on_engine_lost(self) -> None:
        self._rest()
        self._latest.reset()

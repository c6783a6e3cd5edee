"""Asking the engine more about where a generation stands, again whenever it moves."""

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import CommandFailed
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import PixelsState

PLAYING_MS = 120
"""While it moves by itself, the next question waits at least so long."""
IDLE_SHARE = 3.0
"""And so many times as long as the last answer took, so that most of the engine's time is left for moving."""


class PixelFollower(QObject):
    """Keeps an answer about the place of a generation up to date while somebody looks: latest wins.

    Args:
        session: whose generation it is; the follower becomes its child.
        reply_signal: the engine's signal that carries the answers.

    Attributes:
        problem: why there is no newer answer, a sentence; "" when there is none.

    Signals:
        changed: an answer came, or what is asked for is another.
    """

    changed = Signal()

    def __init__(self, session: PixelsState) -> None:
        super().__init__(session)
        self.problem = ""
        self._session, self._navigator = session, session.navigator
        self._latest = LatestWins(session.events, self)
        self._asked: PixelSnapshot | None = None
        self._since = QElapsedTimer()
        self._took_ms = 0
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._ask)
        self._latest.replied.connect(self._on_replied)
        self._latest.failed.connect(self._on_failed)
        self._navigator.moved.connect(self.follow)
        self._navigator.changed.connect(self._on_navigator_changed)
        session.library.engine_lost.connect(self._on_engine_lost)

    # ---- for what asks -------------------------------------------------------------------------------------------

    def _command(self, state: PixelSnapshot) -> Command | None:
        """What to ask where the generation stands now; None: nothing."""
        raise NotImplementedError

    def _learn(self, event: Event, state: PixelSnapshot) -> None:
        """An answer came while the generation stands in ``state``."""
        raise NotImplementedError

    # ---- following -----------------------------------------------------------------------------------------------

    @property
    def moves_by_itself(self) -> bool:
        """Whether the generation plays, or runs to the end."""
        return self._navigator.playing or self._navigator.finishing

    def follow(self) -> None:
        """Ask about where the generation stands: now, or a little later while it moves by itself."""
        if not self.moves_by_itself:
            self._timer.stop()
            self._ask()
        elif not (self._timer.isActive() or self._latest.busy) and self._wanted() is not None:
            self._timer.start(max(PLAYING_MS, int(IDLE_SHARE * self._took_ms)))

    def rest(self) -> None:
        """Nobody looks: ask no more."""
        self._timer.stop()
        self._asked = None

    def _wanted(self) -> Command | None:
        state = self._navigator.state
        return self._command(state) if state is not None and self._navigator.usable else None

    def _ask(self) -> None:
        command = self._wanted()
        if command is not None:
            self._asked = self._navigator.state
            if not self._latest.busy:
                self._since.start()
            self._latest.submit(command)

    # ---- replies -------------------------------------------------------------------------------------------------

    def _on_replied(self, event: Event) -> None:
        self._took_ms = int(self._since.elapsed())
        self._since.start()
        state = self._navigator.state
        if state is not None and getattr(event, "session", None) == state.session:
            self.problem = ""
            self._learn(event, state)
            self.changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        """An answer about what is gone or left behind is not missed."""
        command, state = self._latest.answered, self._navigator.state
        current = state is not None and getattr(command, "session", None) == state.session
        if current and self._navigator.usable and not (self._navigator.busy or self._latest.busy):
            self.problem = event.message
            self.changed.emit()

    def _on_navigator_changed(self) -> None:
        """When it has stopped moving by itself, the last question may have been about an earlier place."""
        if not self.moves_by_itself and self._asked is not None and self._asked is not self._navigator.state:
            self.follow()

    def _on_engine_lost(self) -> None:
        self.rest()
        self._latest.reset()

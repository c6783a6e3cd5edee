"""Widget with one notion of being on the screen; base of panels, their views, and plots that redraw by themselves."""

from collections.abc import Callable

from PySide6.QtCore import SignalInstance
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget


class ActiveWidget(QWidget):
    """Widget that works only while it is active, that is, on the screen: shown, on the open page, in an open window.

    A subclass overrides ``set_active`` to start and stop its work, usually by forwarding it to its state object, which
    has a method of the same name: requests are sent, animations run and figures are drawn for active widgets only.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._active = False
        self._due: dict[Callable[[], None], None] = {}
        """Work to do on the screen, in the order in which it fell due."""

    @property
    def active(self) -> bool:
        """The widget is on the screen."""
        return self._active

    def set_active(self, active: bool) -> None:
        """Start or stop the work that is only worth while on the screen; called at each change of ``active``."""

    def refresh_on(self, signal: SignalInstance, work: Callable[[], None]) -> None:
        """Do work after each signal while active; what falls due meanwhile is done once, after the next ``set_active``.

        Args:
            signal: that is followed.
            work: method that shows what changed.
        """
        signal.connect(lambda *_: self.when_active(work))

    def when_active(self, work: Callable[[], None]) -> None:
        """Do work now, or once when the widget becomes active."""
        if self._active:
            work()
        else:
            self._due[work] = None

    def showEvent(self, event: QShowEvent) -> None:
        """Become active."""
        super().showEvent(event)
        self._change(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Become inactive."""
        super().hideEvent(event)
        self._change(False)

    def _change(self, active: bool) -> None:
        if active != self._active:
            self._active = active
            self.set_active(active)
        if active:
            due, self._due = self._due, {}
            for work in due:
                work()

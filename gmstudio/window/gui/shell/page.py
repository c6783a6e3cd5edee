"""Page of the window that holds a panel, and size of the window on its screen."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget


class PanelPage(QScrollArea):
    """Page of a panel, which scrolls where the window is smaller than the panel needs.

    So the window fits every screen, also one of 720×450 points (1440×900 pixels at scale 2).

    Args:
        panel: fills the page; takes the focus.
    """

    def __init__(self, panel: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self._panel = panel
        self.setWidget(panel)
        self.setFocusProxy(panel)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the panel the room that there is before it is asked for its smallest size.

        So a panel that leaves out what does not fit does it also when the page becomes smaller than it was.
        """
        self._panel.resize(self.maximumViewportSize())
        super().resizeEvent(event)

    def minimumSizeHint(self) -> QSize:
        """No size: the panel scrolls."""
        return QSize(0, 0)


def fitted(size: QSize, available: QSize, frame: QSize) -> QSize:
    """Shrink the size of a window to its screen.

    Args:
        size: wanted, without the frame.
        available: of the screen, without panels of the desktop.
        frame: width and height that the window's frame adds.
    """
    return size.boundedTo(available - frame)

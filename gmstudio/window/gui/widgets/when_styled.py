"""Sizes that are measured once depend on the style sheet, which a widget gets only with its window."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget


class _Restyled(QObject):
    """Event filter that measures again after the style of its widget has changed."""

    def __init__(self, widget: QWidget, measure: Callable[[], object]) -> None:
        super().__init__(widget)
        self._measure = measure
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Measure; children have their new style before their parent hears of it."""
        if event.type() == QEvent.Type.StyleChange:
            self._measure()
        return False


def when_styled(widget: QWidget, measure: Callable[[], object]) -> None:
    """Measure now, and again whenever a widget gets another style.

    Args:
        widget: whose size hint, or that of a child, is measured.
        measure: sets sizes by what it measures; called in the widget's lifetime only.
    """
    measure()
    _Restyled(widget, measure)

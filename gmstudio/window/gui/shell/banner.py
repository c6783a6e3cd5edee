"""Banner above the panel with notices: what happened and the possible actions; it never takes the focus."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.style_property import set_style_property

Severity = Literal["info", "warning", "error"]
DETAIL_LINES = 10
MOST_NOTICES = 20
ICONS: dict[Severity, tuple[str, str]] = {
    "info": ("info", "accent"),
    "warning": ("warning", "warning"),
    "error": ("error", "error"),
}


@dataclass(frozen=True)
class Notice:
    """Message to the user.

    Args:
        key: subject; a later notice with the same key replaces it.
        text: sentences.
        severity: info, warning or error.
        detail: text shown on demand, for example the tail of the standard error.
        actions: label of a button and its function; the first button is highlighted.
        dismissed: called when the user closes the notice.
    """

    key: str
    text: str
    severity: Severity = "info"
    detail: str = ""
    actions: tuple[tuple[str, Callable[[], None]], ...] = ()
    dismissed: Callable[[], None] | None = None


class Banner(QFrame):
    """Banner of the newest notice; closing it shows the previous one.

    Signals:
        changed: another notice is shown, or none.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self._notices: dict[str, Notice] = {}
        self._icon = QLabel()
        self._text = QLabel()
        self._text.setObjectName("banner.text")
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(GRID)
        self._more = QPushButton("Details")
        self._more.setCheckable(True)
        self._more.setObjectName("banner.details")
        self._more.setToolTip("Show the details of this message.")
        self._close = QToolButton()
        self._close.setObjectName("banner.dismiss")
        self._close.setAccessibleName("Dismiss this message")
        self._close.setToolTip("Dismiss this message")
        self._close.setProperty("flat", True)
        self._close.setIconSize(QSize(16, 16))
        self._detail = QPlainTextEdit()
        self._detail.setObjectName("banner.detail")
        self._detail.setAccessibleName("Details of the message")
        self._detail.setReadOnly(True)
        self._detail.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._lay_out()
        self._more.toggled.connect(self._detail.setVisible)
        self._close.clicked.connect(self._on_close)
        theme().changed.connect(self._show)
        self._show()

    @property
    def notice(self) -> Notice | None:
        """Notice on display."""
        return next(reversed(self._notices.values()), None)

    def show_notice(self, notice: Notice) -> None:
        """Show a notice; one on display with the same key is replaced in place."""
        if self._notices.get(notice.key) == notice:
            return
        shown = self.notice
        if shown is None or shown.key != notice.key:
            self._notices.pop(notice.key, None)
            self._more.setChecked(False)
        self._notices[notice.key] = notice
        if len(self._notices) > MOST_NOTICES:
            del self._notices[next(iter(self._notices))]
        self._show()

    def withdraw(self, key: str) -> None:
        """Remove a notice that no longer applies."""
        if self._notices.pop(key, None) is not None:
            self._show()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._text, 1)
        row.addLayout(self._buttons)
        row.addWidget(self._more, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._close, 0, Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GRID, GRID, GRID, GRID)
        column.setSpacing(GRID)
        column.addLayout(row)
        column.addWidget(self._detail)

    def _show(self) -> None:
        notice = self.notice
        if notice is not None:
            icon, role = ICONS[notice.severity]
            self._icon.setPixmap(theme().icon(icon, role).pixmap(QSize(20, 20), self.devicePixelRatioF()))
            self._text.setText(notice.text)
            self._text.setAccessibleName(notice.text)
            self._close.setIcon(theme().icon("close"))
            self._more.setVisible(bool(notice.detail))
            self._detail.setVisible(bool(notice.detail) and self._more.isChecked())
            if self._detail.toPlainText() != notice.detail:
                self._detail.setPlainText(notice.detail)
                lines = min(notice.detail.count("\n") + 1, DETAIL_LINES)
                self._detail.setFixedHeight(lines * self._detail.fontMetrics().lineSpacing() + 2 * GRID)
                self._detail.moveCursor(self._detail.textCursor().MoveOperation.End)
            self._put_buttons(notice)
            self._restyle(notice.severity)
        self.setVisible(notice is not None)  # last: otherwise it would reserve the height of hidden details
        self.changed.emit()

    def _put_buttons(self, notice: Notice) -> None:
        while (item := self._buttons.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for index, (label, act) in enumerate(notice.actions):
            button = QPushButton(label, self)
            button.setObjectName(f"banner.action.{index}")
            button.setProperty("primary", index == 0)
            button.clicked.connect(lambda _checked=False, act=act: act())
            self._buttons.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)

    def _restyle(self, severity: Severity) -> None:
        """Apply the style sheet again, which does not follow changed properties."""
        set_style_property(self, "severity", severity)

    def _on_close(self) -> None:
        notice = self.notice
        if notice is not None:
            self.withdraw(notice.key)
            if notice.dismissed is not None:
                notice.dismissed()

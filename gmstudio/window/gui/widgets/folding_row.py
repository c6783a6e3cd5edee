"""Groups of controls in one row where the width allows it, otherwise one below the other."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QSizePolicy, QWidget


class FoldingRow(QWidget):
    """Row of groups that folds into a column where it is too narrow.

    Args:
        groups: rows of controls; each stays in one line.
        stretch: index of the group that takes the remaining width; −1: the last one.
        spacing: between groups, pixels.
    """

    def __init__(self, *groups: QHBoxLayout, stretch: int = -1, spacing: int = 8) -> None:
        super().__init__()
        self._groups = groups
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(spacing)
        for group in groups:
            self._row.addLayout(group)
        self._row.setStretch(stretch % len(groups), 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def folded(self) -> bool:
        """The groups are one below the other."""
        return self._row.direction() == QBoxLayout.Direction.TopToBottom

    def sizeHint(self) -> QSize:
        """Width of all groups in one row, height of the present direction."""
        return QSize(self._width_in_one_row(), self._row.sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Width of the widest group."""
        return QSize(max(group.minimumSize().width() for group in self._groups), self._row.minimumSize().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold or unfold."""
        super().resizeEvent(event)
        self.fold()

    def fold(self) -> None:
        """Update the direction, for instance after a control was shown or hidden."""
        fits = self.width() >= self._width_in_one_row()
        direction = QBoxLayout.Direction.LeftToRight if fits else QBoxLayout.Direction.TopToBottom
        if direction != self._row.direction():
            self._row.setDirection(direction)
            self.updateGeometry()

    def _width_in_one_row(self) -> int:
        widths = [group.minimumSize().width() for group in self._groups]
        return sum(widths) + self._row.spacing() * (len(widths) - 1)


def group_of(*widgets: QWidget, stretch: int = -1, spacing: int = 4) -> QHBoxLayout:
    """Group of controls that stay in one line.

    Args:
        widgets: from left to right.
        stretch: index of the control that takes the remaining width; −1: none.
        spacing: between them, pixels.
    """
    group = QHBoxLayout()
    group.setSpacing(spacing)
    for index, widget in enumerate(widgets):
        group.addWidget(widget, 1 if index == stretch else 0, Qt.AlignmentFlag(0))
    if stretch < 0:
        group.addStretch(1)
    return group

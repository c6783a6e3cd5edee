"""Parts of a panel side by side or one below the other, or in a small window one at a time behind tabs."""

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QBoxLayout, QTabBar, QVBoxLayout, QWidget


class Section(NamedTuple):
    """Part of a panel.

    Args:
        name: identifies it.
        title: of its tab.
        tip: tooltip of its tab.
        widget: the part; it may show and hide its own widgets.
        stretch: share of the room that is left; 0: none.
    """

    name: str
    title: str
    tip: str
    widget: QWidget
    stretch: int = 1


class Sections(QWidget):
    """All sections at once, or, where they are compact, the open one alone, with tabs for the others.

    Args:
        sections: in their order.
        orientation: in which they stand while all are shown.
        spacing: between them, pixels.

    Signals:
        arranged: other sections are shown than before.
    """

    arranged = Signal()

    def __init__(self, sections: Sequence[Section], orientation: Qt.Orientation, spacing: int) -> None:
        super().__init__()
        self._sections = {section.name: section for section in sections}
        self._open = sections[0].name
        self._only = ""
        self.compact = False
        """One section at a time is shown."""
        self.bar = QTabBar()
        self.bar.setDrawBase(False)
        self.bar.setExpanding(False)
        self.bar.setProperty("dense", True)
        for index, section in enumerate(sections):
            self.bar.addTab(section.title)
            self.bar.setTabToolTip(index, section.tip)
        directions = QBoxLayout.Direction
        self._horizontal = orientation == Qt.Orientation.Horizontal
        self._box = QBoxLayout(directions.LeftToRight if self._horizontal else directions.TopToBottom)
        self._box.setSpacing(spacing)
        for section in sections:
            self._box.addWidget(section.widget, section.stretch)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing)
        column.addWidget(self.bar)
        column.addLayout(self._box, 1)
        self.bar.currentChanged.connect(lambda index: self.open(list(self._sections)[index]))
        self._arrange()

    @property
    def open_section(self) -> str:
        """Name of the section that is shown where one at a time is."""
        return self._open

    def set_compact(self, compact: bool) -> None:
        """Show one section at a time, or all."""
        if compact != self.compact:
            self.compact = compact
            self._arrange()

    def set_only(self, name: str) -> None:
        """Show one section without tabs, as in presentation mode; "": as before."""
        if name != self._only:
            self._only = name
            self._arrange()

    def open(self, name: str) -> None:
        """Show a section where one at a time is shown.

        Raises:
            KeyError: when there is none of this name.
        """
        if self._sections[name].name != self._open:
            self._open = name
            self._arrange()

    def open_for(self, widget: QWidget) -> None:
        """Open the section in which a widget stands, if it stands in one."""
        for name, section in self._sections.items():
            if section.widget is widget or section.widget.isAncestorOf(widget):
                self.open(name)

    def _arrange(self) -> None:
        with QSignalBlocker(self.bar):
            self.bar.setCurrentIndex(list(self._sections).index(self._open))
        self.bar.setVisible(self.compact and not self._only)
        alone = self._only or (self._open if self.compact else "")
        for name, section in self._sections.items():
            section.widget.setVisible(not alone or name == alone)
            at_top = name == alone and not section.stretch and not self._horizontal
            self._box.setAlignment(section.widget, Qt.AlignmentFlag.AlignTop if at_top else Qt.AlignmentFlag(0))
        self.arranged.emit()

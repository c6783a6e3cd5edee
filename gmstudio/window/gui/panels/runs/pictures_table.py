"""Values of the compared pictures under the pointer, and how much they differ."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.density.models_list import swatch
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.images.compared_pictures import reading
from gmstudio.window.gui.widgets.images.picture_comparison import PictureComparison
from gmstudio.window.gui.widgets.table_height import show_all_rows
from gmstudio.window.state.runs.state import MAX_COMPARED

COLUMNS = (
    ("Picture", "With its colour"),
    ("Row, column", "Of the pixel under the pointer, within its image"),
    ("Value", "Of the pixel under the pointer: levels of the data, else 0 to 255; of a colour red, green, blue"),
    ("RMS difference", "Root mean square of the difference from the picture that is subtracted, of values 0 to 255"),
)
WIDEST = ("", "no. 256: 255, 255", "255, 255, 255", "RMS difference")
NONE = "–"


class PicturesTable(QTableWidget):
    """Rows of all pictures that can be compared, whose height never changes.

    Args:
        panel: that the control belongs to.
        pictures: whose values are shown.
    """

    def __init__(self, panel: Panel, pictures: PictureComparison) -> None:
        super().__init__(MAX_COMPARED, len(COLUMNS))
        self._pictures = pictures
        panel.name_widget(self, "pictures_values", "Values under the pointer", "")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self._set_up_columns()
        for row in range(MAX_COMPARED):
            for column in range(len(COLUMNS)):
                item = QTableWidgetItem()
                right = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
                item.setTextAlignment(right | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(row, column, item)
        show_all_rows(self, MAX_COMPARED)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        pictures.pointed.connect(lambda _place: self._show_values())

    def _set_up_columns(self) -> None:
        heading, metrics = self.horizontalHeader(), self.fontMetrics()
        heading.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        heading.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, (title, tip) in enumerate(COLUMNS):
            item = QTableWidgetItem(title)
            item.setToolTip(tip)
            right = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            item.setTextAlignment(right | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(column, item)
            self.setColumnWidth(column, metrics.horizontalAdvance(WIDEST[column] or title) + 2 * GRID)
        self.verticalHeader().setDefaultSectionSize(metrics.height() + GRID // 2)

    def refresh(self) -> None:
        """Write everything anew."""
        pictures = self._pictures.pictures
        differences = self._pictures.maps.differences
        for row in range(MAX_COMPARED):
            picture = pictures[row] if row < len(pictures) else None
            found = differences[row] if row < len(differences) and len(pictures) > 1 else None
            name, rms = self.item(row, 0), self.item(row, 3)
            assert name is not None and rms is not None
            name.setText(picture.called if picture is not None else "")
            name.setToolTip(picture.title if picture is not None else "")
            name.setData(Qt.ItemDataRole.DecorationRole, swatch(picture.colour) if picture is not None else None)
            subtracted = row == self._pictures.against
            rms.setText("" if found is None or subtracted else NONE if found.reason else f"{found.rms:.4g}")
            rms.setToolTip(found.reason if found is not None else "")
        self._show_values()

    def _show_values(self) -> None:
        """Write the values under the pointer."""
        for row in range(MAX_COMPARED):
            pictures = self._pictures.pictures
            found = reading(pictures[row], self._pictures.place) if row < len(pictures) else None
            for column, text in ((1, found.where if found else ""), (2, found.value if found else "")):
                item = self.item(row, column)
                assert item is not None
                item.setText(text)

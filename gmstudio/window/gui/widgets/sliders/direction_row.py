"""Row of a latent direction: editable name, slider for the amount, buttons to save and delete."""

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider

BUTTON_PX, ICON_PX = 32, 16


class DirectionRow(QWidget):
    """Row of one direction of a list.

    Args:
        index: position in the list.
        prefix: of the object names: ``latents`` gives ``latents.direction.3``.
        most: amounts range from -most to most.
        longest: largest number of characters of a name.

    Signals:
        moved: index and amount.
        renamed: index and name.
        saved: index of the direction to save.
        deleted: index of the direction to delete.
    """

    moved = Signal(int, float)
    renamed = Signal(int, str)
    saved = Signal(int)
    deleted = Signal(int)

    def __init__(self, index: int, prefix: str, most: float, longest: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._index = index
        self.name = QLineEdit()
        self.name.setMaxLength(longest)
        self.name.setObjectName(f"{prefix}.direction_name.{index}")
        self.name.setAccessibleName(f"Name of direction {index + 1}")
        self.name.setToolTip("Name of the direction; Return enters another one.")
        self.slider = TypedSlider(-most, most)
        self.slider.slider.setProperty("bipolar", True)
        self.save = self._button(f"{prefix}.direction_save.{index}", f"Save direction {index + 1}", "Save with the run")
        self.delete = self._button(f"{prefix}.direction_delete.{index}", f"Delete direction {index + 1}", "Delete")
        self._prefix = prefix
        self._lay_out()
        self.name.editingFinished.connect(lambda: self.renamed.emit(self._index, self.name.text()))
        self.slider.value_changed.connect(lambda amount: self.moved.emit(self._index, amount))
        self.save.clicked.connect(lambda: self.saved.emit(self._index))
        self.delete.clicked.connect(lambda: self.deleted.emit(self._index))
        theme().changed.connect(self._tint)
        self._tint()

    def show_direction(self, name: str, tip: str, kept: bool) -> None:
        """Bind the row to a direction; a saved one cannot be saved again."""
        if not self.name.hasFocus() or not self.name.isModified():
            self.name.setText(name)
            self.name.setCursorPosition(0)
        self.slider.name(f"{self._prefix}.direction.{self._index}", f"Amount of {name}", tip)
        self.save.setEnabled(not kept)
        self.save.setToolTip("Saved with the run" if kept else "Save with the run")

    def show_amount(self, amount: float) -> None:
        """Show the amount."""
        self.slider.set_value(amount)

    def _button(self, object_name: str, accessible_name: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(object_name)
        button.setAccessibleName(accessible_name)
        button.setToolTip(tip)
        button.setProperty("flat", True)
        button.setIconSize(QSize(ICON_PX, ICON_PX))
        button.setFixedWidth(BUTTON_PX)
        return button

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(GRID // 2)
        head.addWidget(self.name, 1)
        head.addWidget(self.save)
        head.addWidget(self.delete)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.slider)

    def _tint(self) -> None:
        self.save.setIcon(theme().icon("save"))
        self.delete.setIcon(theme().icon("remove"))

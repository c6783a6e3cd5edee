"""Controls above the plane of points: the shape, and what its kind needs: brush, picture or table."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from gmstudio.protocol.strokes import RADII
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.data.pasted_picture import PastedPicture
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.state.data.points import DRAWN, Tool
from gmstudio.window.state.data.state import DataState

PICTURE, TABLE = "picture", "csv"
PICTURE_FILTER = "Pictures (*.png *.jpg *.jpeg *.webp *.bmp *.gif *.tif *.tiff);;All files (*)"
TABLE_FILTER = "Tables (*.csv *.tsv *.txt *.dat *.gz);;All files (*)"
ELSEWHERE = "The engine runs on another machine; type a path there in Settings."
HINT = "Drop a picture or a table here, or choose “Drawn by hand”."
RADIUS_WIDTH = 64


class PointsTools(QWidget):
    """Two rows of controls; their height is the same for all shapes.

    Args:
        state: state of the panel.
        panel: panel that names the controls.

    Attributes:
        in_tab_order: widgets that take the focus, in their order.
        pasted: source of pasted and dropped pictures.
    """

    def __init__(self, state: DataState, panel: Panel) -> None:
        super().__init__()
        self._state, self._points, self._panel = state, state.points, panel
        self._shape = QComboBox(self)
        self._radius = IntegerField(self)
        self.pasted = PastedPicture(self)
        self._name_controls()
        self._add_actions()
        self._stack = QStackedWidget(self)
        self._pages = {
            "": self._hint_page(),
            DRAWN: self._brush_page(),
            PICTURE: self._picture_page(),
            TABLE: self._table_page(),
        }
        for page in self._pages.values():
            self._stack.addWidget(page)
        self._stack.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        first = QHBoxLayout()
        first.setSpacing(GRID // 2)
        first.addWidget(self._shape, 1)
        toggles = [panel.button(action) for action in (self.density, self.dots)]
        for button in toggles:
            first.addWidget(button)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addLayout(first)
        rows.addWidget(self._stack)
        self.in_tab_order: list[QWidget] = [self._shape, *toggles, *self._page_buttons]
        self._connect()
        self._fill()
        self._show()

    def _name_controls(self) -> None:
        self._panel.name_widget(self._shape, "shape", "Shape", "Distribution that the points are drawn from.")
        self._shape.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._shape.setMinimumContentsLength(10)
        self._panel.name_widget(
            self._radius,
            "brush_radius",
            "Radius of the brush, in thousandths of the side",
            f"Radius of the brush, in thousandths of the side, {RADII[0]} to {RADII[1]}: the standard deviation of a "
            "stroke's soft profile.",
        )
        self._radius.setRange(*RADII)
        self._radius.setSingleStep(5)
        self._radius.setFixedWidth(RADIUS_WIDTH)

    def _add_actions(self) -> None:
        add, points = self._panel.add_action, self._points
        self.density = add(
            "show_density",
            "Density",
            "D",
            lambda _on: self._points.changed.emit(),
            icon="heat",
            tip="Show the true distribution p*(x)",
            checkable=True,
        )
        self.dots = add(
            "show_points",
            "Points",
            "P",
            lambda _on: self._points.changed.emit(),
            icon="random",
            tip="Show training points, each at a random place within its cell",
            checkable=True,
        )
        self.density.setChecked(True)
        self.dots.setChecked(True)
        group = QActionGroup(self)
        self._tools = {
            "brush": self._tool("brush", "Brush", "B", "Draw"),
            "erase": self._tool("erase", "Erase", "E", "Erase"),
            "look": self._tool("look", "Pan", "G", "Pan the plane"),
        }
        for action in self._tools.values():
            group.addAction(action)
        self._mirror = add(
            "mirror",
            "Mirror",
            "M",
            points.set_mirrored,
            icon="mirror",
            tip="Draw each stroke a second time, left and right exchanged",
            checkable=True,
        )
        undo, redo, nothing = self._panel.undo_newest, self._panel.redo_newest, "There is nothing of the kind."
        self._undo = add("undo_stroke", "Undo", "", undo, icon="undo", tip="Undo (Ctrl+Z)", needs=nothing)
        self._redo = add("redo_stroke", "Redo", "", redo, icon="redo", tip="Redo (Ctrl+Shift+Z)", needs=nothing)
        self._clear = add(
            "clear_drawing",
            "Clear",
            "",
            points.clear,
            icon="remove",
            tip="Erase the whole drawing",
            needs="It is empty.",
        )
        self._open_picture = add(
            "open_density", "Open picture…", "O", self._ask_picture, icon="folder", tip="Choose a picture as density"
        )
        self._paste = add(
            "paste_density", "Paste", "Ctrl+V", self.pasted.paste, icon="copy", tip="Take a copied picture as density"
        )
        self._open_table = add(
            "open_table", "Open table…", "O", self._ask_table, icon="folder", tip="Choose a table of points (CSV)"
        )

    def _tool(self, name: Tool, text: str, key: str, tip: str) -> QAction:
        def choose(on: bool) -> None:
            if on:
                self._points.set_tool(name)

        icon = "pan" if name == "look" else name
        return self._panel.add_action(name, text, key, choose, icon=icon, tip=tip, checkable=True)

    def _brush_page(self) -> QWidget:
        actions = [*self._tools.values(), self._mirror, self._undo, self._redo, self._clear]
        buttons = [self._panel.button(action, icon_only=True) for action in actions]
        self._page_buttons: list[QWidget] = [*buttons[:3], self._radius, *buttons[3:]]
        return _row(self._page_buttons)

    def _hint_page(self) -> QWidget:
        hint = ElidedLabel(self)
        hint.setProperty("role", "muted")
        hint.set_words(HINT)
        return _row([hint])

    def _picture_page(self) -> QWidget:
        buttons: list[QWidget] = [self._panel.button(action) for action in (self._open_picture, self._paste)]
        self._page_buttons += buttons
        return _row(buttons)

    def _table_page(self) -> QWidget:
        buttons: list[QWidget] = [self._panel.button(self._open_table)]
        self._page_buttons += buttons
        return _row(buttons)

    def _connect(self) -> None:
        points = self._points
        self._shape.activated.connect(lambda index: points.set_values(shape=self._shape.itemData(index)))
        self._radius.valueChanged.connect(points.set_radius)
        self.pasted.kept.connect(self.take_file)
        self._panel.undo_changed.connect(self._show_undo)
        self._show_undo()
        self._state.lists_changed.connect(self._fill)
        self._state.opened.opened.connect(self._show)
        self._state.opened.page_changed.connect(self._show)
        points.tool_changed.connect(self._show)
        points.drawing_changed.connect(self._show)

    def _show_undo(self) -> None:
        """Offer undo and redo where there is a step."""
        self._undo.setEnabled(self._panel.undo.undoable is not None)
        self._redo.setEnabled(self._panel.undo.redoable is not None)

    def _fill(self) -> None:
        """Fill the list of shapes from the engine's catalog."""
        entry = next((entry for entry in self._state.shipped if entry.name == "points"), None)
        prop: dict[str, Any] = entry.config_schema["properties"].get("shape", {}) if entry is not None else {}
        labels = prop.get("labels", {})
        with QSignalBlocker(self._shape):
            self._shape.clear()
            for shape, words in labels.items():
                self._shape.addItem(words[:1].upper() + words[1:], shape)
        self._show()

    def _show(self) -> None:
        points = self._points
        with QSignalBlocker(self._shape):
            self._shape.setCurrentIndex(self._shape.findData(points.shape))
        self._stack.setCurrentWidget(self._pages.get(points.shape, self._pages[""]))
        for name, action in self._tools.items():
            action.setChecked(name == points.tool)
        with QSignalBlocker(self._radius):
            self._radius.setValue(points.radius)
        self._mirror.setChecked(points.mirrored)
        self._clear.setEnabled(bool(points.strokes))
        remote = "" if self._state.is_local else ELSEWHERE
        for action in (self._open_picture, self._paste, self._open_table):
            self._panel.allow(action, remote)

    # ---- files -------------------------------------------------------------------------------------------------

    def take_file(self, path: str) -> None:
        """Take a picture as density, or a table as points."""
        is_table = Path(path).suffix.lower() in (".csv", ".tsv", ".txt", ".dat", ".gz")
        self._points.set_values(shape=TABLE if is_table else PICTURE, path=path)

    def _ask_picture(self) -> None:
        self._ask("Picture as density", "open_density_dialog", PICTURE_FILTER, PICTURE)

    def _ask_table(self) -> None:
        self._ask("Table of points", "open_table_dialog", TABLE_FILTER, TABLE)

    def _ask(self, title: str, name: str, filters: str, shape: str) -> None:
        """Open a file dialog that is not modal."""
        present = str(self._points.config.get("path", ""))
        dialog = QFileDialog(self, title, str(Path(present).parent) if present else str(Path.home()))
        dialog.setObjectName(name)
        dialog.setModal(False)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(filters.split(";;"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self._points.set_values(shape=shape, path=path))
        dialog.show()


def _row(widgets: list[QWidget]) -> QWidget:
    page = QWidget()
    row = QHBoxLayout(page)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(2)
    for widget in widgets:
        row.addWidget(widget, 1 if isinstance(widget, ElidedLabel) else 0)
    row.addStretch(0 if any(isinstance(widget, ElidedLabel) for widget in widgets) else 1)
    return page

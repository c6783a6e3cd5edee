"""Tools of the Pixels panel: their controls and hints, and the effect of an edit."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.names import where
from gmstudio.window.gui.theme import GRID
from gmstudio.window.state.pixels.state import PixelsState

KEEP_TIP = (
    "Later pixels after an edit: they stay and are rescored, or they are sampled again from the same uniform "
    "numbers, so that only what the edit changes is different."
)
EDIT_TIP = "Change the value of a placed pixel (also Ctrl+click, or the context menu)"
NOTHING_PLACED = "Nothing is sampled yet: play or step first."
NOTHING_OPEN = "No generation is open."
HINTS = {
    "edit": "Edit: click a placed pixel, or go to it with the arrow keys and press Return.",
    "order": "Paint the pixels that come first, in sequence; then Apply.",
    "mask": "Paint the pixels to be generated.",
}


class ToolLine(QWidget):
    """Controls of the selected tool, at the end of the line below the image; their height is reserved while hidden.

    Args:
        panel: gets the actions.
        session: state that is shown and changed.
        apply: action that ends painting an order; every other tool ends with ``done``.
    """

    def __init__(self, panel: Panel, session: PixelsState, apply: QAction) -> None:
        super().__init__(panel)
        self._session, self._navigator, self._tools = session, session.navigator, session.tools
        self._panel = panel
        self.edit = panel.add_action("edit", "Edit", "E", self._on_edit, icon="edit", tip=EDIT_TIP, checkable=True)
        self.done = panel.add_action(
            "tool.done", "Done", "", self.leave, icon="check", tip="Leave the tool (Escape in the image)"
        )
        self.following = QComboBox()
        self.following.addItem("Keep later pixels", True)
        self.following.addItem("Resample later pixels", False)
        panel.name_widget(self.following, "edit.following", "Later pixels", KEEP_TIP)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        self._done_button, self._apply_button = panel.button(self.done), panel.button(apply)
        self._controls: tuple[QWidget, ...] = (self.following, self._apply_button, self._done_button)
        for widget in self._controls:
            row.addWidget(widget)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.following.currentIndexChanged.connect(
            lambda _index: self._navigator.set_keep_following(self.following.currentData())
        )
        for signal in (session.tools.changed, session.navigator.changed, session.navigator.moved):
            signal.connect(self.refresh)
        self.refresh()

    def sizeHint(self) -> QSize:
        """Width of the visible controls, height of all."""
        return super().sizeHint().expandedTo(QSize(0, max(widget.sizeHint().height() for widget in self._controls)))

    def minimumSizeHint(self) -> QSize:
        """Smallest size, of the same height."""
        return super().minimumSizeHint().expandedTo(QSize(0, self.sizeHint().height()))

    @property
    def hint(self) -> str:
        """Sentence on the selected tool, or on the pixel that is edited; "" without a tool."""
        editing = self._navigator.editing
        if editing is None:
            return HINTS.get(self._tools.tool, "")
        state = editing.before
        channel, row, column = state.place_of(editing.step)
        value = state.image[channel, row, column]
        return f"Now {value}: choose another value for {where(state, editing.step)} in the bars, or type it."

    def refresh(self) -> None:
        """Show the controls of the selected tool."""
        navigator, tool = self._navigator, self._tools.tool
        editing = navigator.editing is not None
        self.edit.blockSignals(True)
        self.edit.setChecked(tool == "edit")
        self.edit.blockSignals(False)
        state = navigator.shown
        none = "" if tool == "edit" or (state is not None and state.step) else NOTHING_PLACED
        self._panel.allow(self.edit, none if navigator.usable or tool == "edit" else NOTHING_OPEN)
        self.following.setVisible(tool == "edit" or editing)
        self.following.blockSignals(True)
        self.following.setCurrentIndex(0 if navigator.keep_following else 1)
        self.following.blockSignals(False)
        self._apply_button.setVisible(tool == "order")
        self._done_button.setVisible(tool in ("edit", "mask") or editing)

    def set_narrow(self, narrow: bool) -> None:
        """Leave more room for the hint in a narrow window."""
        styles = Qt.ToolButtonStyle
        for button in (self._done_button, self._apply_button):
            button.setToolButtonStyle(styles.ToolButtonIconOnly if narrow else styles.ToolButtonTextBesideIcon)

    def leave(self) -> None:
        """Leave the edit, then the tool."""
        self._navigator.leave_edit()
        self._tools.set_tool("go")

    def _on_edit(self, on: bool) -> None:
        if on:
            self._tools.set_tool("edit")
        else:
            self.leave()

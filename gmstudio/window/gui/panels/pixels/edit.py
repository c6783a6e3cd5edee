"""Tool line of the Pixels panel: a hint for the selected tool, and the effect of an edit."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.names import where
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.state.pixels.state import PixelsState

KEEP_TIP = (
    "Later pixels after an edit: they stay and are rescored, or they are sampled again from the same uniform "
    "numbers, so that only what the edit changes is different."
)
HINTS = {
    "edit": "Edit: click a placed pixel, or go to it with the arrow keys and press Return.",
    "order": "Paint the pixels that come first, in sequence; then Apply.",
    "mask": "Paint the pixels to be generated.",
}


class ToolLine(QWidget):
    """Hint for the selected tool; for an edit, the choice of keeping later pixels.

    Args:
        panel: gets the actions.
        session: state that is shown and changed.
    """

    def __init__(self, panel: Panel, session: PixelsState) -> None:
        super().__init__(panel)
        self._session, self._navigator, self._tools = session, session.navigator, session.tools
        self.edit = panel.add_action(
            "edit",
            "Edit",
            "E",
            self._on_edit,
            icon="edit",
            tip="Change the value of a placed pixel (also Ctrl+click, or the context menu)",
            checkable=True,
        )
        self.done = panel.add_action(
            "tool.done", "Done", "", self.leave, icon="check", tip="Leave the tool (Escape in the image)"
        )
        self._text = ElidedLabel()
        self.following = QComboBox()
        self.following.addItem("Keep later pixels", True)
        self.following.addItem("Resample later pixels", False)
        panel.name_widget(self.following, "edit.following", "Later pixels", KEEP_TIP)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self._text, 1)
        row.addWidget(self.following)
        self._done_button = panel.button(self.done)
        row.addWidget(self._done_button)
        self.following.currentIndexChanged.connect(
            lambda _index: self._navigator.set_keep_following(self.following.currentData())
        )
        for signal in (session.tools.changed, session.navigator.changed, session.navigator.moved):
            signal.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the hint for the tool."""
        navigator, tool = self._navigator, self._tools.tool
        editing = navigator.editing
        self.edit.blockSignals(True)
        self.edit.setChecked(tool == "edit")
        self.edit.blockSignals(False)
        self.edit.setEnabled(navigator.usable or tool == "edit")
        self.following.setVisible(tool == "edit" or editing is not None)
        self.following.blockSignals(True)
        self.following.setCurrentIndex(0 if navigator.keep_following else 1)
        self.following.blockSignals(False)
        text = HINTS.get(tool, "")
        if editing is not None:
            state = editing.before
            channel, row, column = state.place_of(editing.step)
            value = state.image[channel, row, column]
            text = f"Now {value}: choose another value for {where(state, editing.step)} in the bars, or type it."
        self._text.set_words(text)
        self.setVisible(bool(text))

    def set_narrow(self, narrow: bool) -> None:
        """Leave more room for the hint in a narrow window."""
        styles = Qt.ToolButtonStyle
        self._done_button.setToolButtonStyle(styles.ToolButtonIconOnly if narrow else styles.ToolButtonTextBesideIcon)

    def leave(self) -> None:
        """Leave the edit, then the tool."""
        self._navigator.leave_edit()
        self._tools.set_tool("go")

    def _on_edit(self, on: bool) -> None:
        if on:
            self._tools.set_tool("edit")
        else:
            self.leave()

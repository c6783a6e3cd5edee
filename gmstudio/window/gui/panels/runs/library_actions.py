"""Actions of the Library page on the chosen runs: star, tags, note, archive, trash, compare."""

from PySide6.QtCore import QStringListModel, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QCompleter, QHBoxLayout, QLineEdit, QMenu, QWidget, QWidgetAction

from gmstudio.protocol.runs import RunInfo
from gmstudio.window.gui.note_dialog import write_note
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.runs.library_columns import NAME, tags_of
from gmstudio.window.gui.panels.runs.library_view import NUMBER_OF, LibraryView
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.state.runs.listed import ListedRuns
from gmstudio.window.state.runs.state import MAX_COMPARED

NOTHING = "No run is chosen in the table."
EXAMPLES_STAY = "Examples keep what they have and cannot be removed."
LIVE = "The run is in training: stop it first."
TAG_LETTERS = 24


class LibraryActions(QWidget):
    """Row of actions on the chosen runs.

    Args:
        panel: that they belong to.
        state: of the page.
        view: in which runs are chosen, and renamed in place.
    """

    def __init__(self, panel: Panel, state: ListedRuns, view: LibraryView) -> None:
        super().__init__()
        self._panel, self._state, self._view = panel, state, view
        self._make_actions()
        self._said = ElidedLabel()
        self._said.setObjectName("runs.chosen")
        self._said.setProperty("role", "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        for action in (self.star, self.rename, self.tag, self.note, self.archive, self.trash, self.compare):
            row.addWidget(panel.button(action))
            view.addAction(action)  # else its key would do nothing while the table has the focus
        row.addWidget(self._said, 1)
        for change in (state.chosen_changed, state.changed, state.owner.run_changed):
            change.connect(self._show)
        self._show()

    def _make_actions(self) -> None:
        add, view = self._panel.add_action, self._view
        self.star = add(
            "star", "Star", "Ctrl+B", self._star, icon="mark", tip="List the chosen runs first, or no longer"
        )
        self.rename = add(
            "rename", "Rename", "F2", self._rename, icon="edit", tip="Name the run; the empty name is its label"
        )
        self.tag = add("tag", "Tags", "Ctrl+T", self._open_tags, icon="order", tip="Give the chosen runs tags")
        self.note = add(
            "note", "Note", "Ctrl+E", self._write_note, icon="log", tip="Write the whole note of the run that is shown"
        )
        self.archive = add(
            "archive",
            "Archive",
            "Ctrl+Shift+A",
            self._archive,
            icon="folder",
            tip="List the chosen runs only with the archived ones, or again with all",
        )
        self.trash = add(
            "trash",
            "Trash",
            "Delete",
            self._trash,
            icon="remove",
            tip="Move the folders of the chosen runs to the trash; Undo brings them back",
            only_in=view,
        )
        self.compare = add(
            "compare",
            "Compare",
            "Ctrl+K",
            self._compare,
            icon="overlay",
            tip=f"Compare the chosen runs, {MAX_COMPARED} at most",
        )

    @property
    def _infos(self) -> list[RunInfo]:
        infos = (self._state.library.info(run) for run in self._state.chosen)
        return [info for info in infos if info is not None]

    @property
    def _own(self) -> list[RunInfo]:
        return [info for info in self._infos if not info.example]

    @property
    def _shown(self) -> RunInfo | None:
        """The run whose details are shown."""
        return self._state.library.info(self._state.owner.run)

    def _show(self) -> None:
        """Say what is chosen, and allow what can be done with it."""
        infos, own = self._infos, self._own
        reason = "" if own else EXAMPLES_STAY if infos else NOTHING
        for action in (self.star, self.rename, self.tag, self.archive):
            self._panel.allow(action, reason)
        shown = self._shown
        self._panel.allow(self.note, NOTHING if shown is None else EXAMPLES_STAY if shown.example else "")
        live = bool(own) and all(info.run == self._state.library.live for info in own)
        self._panel.allow(self.trash, reason or (LIVE if live else ""))
        self._panel.allow(self.compare, "" if infos else NOTHING)
        self._rename_texts(own)
        self._said.set_words(f"{len(infos):,} chosen" if len(infos) > 1 else "")

    def _rename_texts(self, own: list[RunInfo]) -> None:
        starred, archived = bool(own) and all(i.starred for i in own), bool(own) and all(i.archived for i in own)
        for action, text in (
            (self.star, "Remove star" if starred else "Star"),
            (self.archive, "Unarchive" if archived else "Archive"),
        ):
            if action.text() != text:
                action.setText(text)

    def _star(self) -> None:
        own = self._own
        starred = not all(info.starred for info in own)
        self._state.edits.change([info.run for info in own], "Star" if starred else "Remove star", starred=starred)

    def _archive(self) -> None:
        own = self._own
        archived = not all(info.archived for info in own)
        self._state.edits.change([i.run for i in own], "Archive" if archived else "Unarchive", archived=archived)

    def _rename(self) -> None:
        self._view.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._view.edit(self._view.currentIndex().siblingAtColumn(NUMBER_OF[NAME]))

    def _write_note(self) -> None:
        if (info := self._shown) is not None:
            write_note(info, self._state.edits, self)

    def _trash(self) -> None:
        own = [info.run for info in self._own]
        self._state.edits.trash(own, self._view.beside(own))

    def _compare(self) -> None:
        self._state.owner.compare(tuple(info.run for info in self._infos))
        self._state.owner.page_wanted.emit("compare")

    # ---- tags -------------------------------------------------------------------------------------------------------

    def _open_tags(self) -> None:
        menu = self.tag_menu()
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def tag_menu(self) -> QMenu:
        """Create the menu in which tags of the chosen runs are checked, and new ones typed."""
        menu = QMenu(self)
        menu.setObjectName("runs.tag_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        own, known = self._own, list(self._state.offered["tag"])
        field, entry = QLineEdit(menu), QWidgetAction(menu)
        field.setObjectName("runs.new_tag")
        field.setPlaceholderText("New tag, Return enters it")
        field.setAccessibleName("New tag")
        field.setToolTip("Tags for the chosen runs; separate them by commas")
        field.setMinimumWidth(TAG_LETTERS * field.fontMetrics().averageCharWidth())
        completer = QCompleter(field)
        completer.setModel(QStringListModel(known, completer))
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        field.setCompleter(completer)
        popup = completer.popup()  # it has no parent
        assert popup is not None
        theme().style_window(popup)
        field.returnPressed.connect(lambda: self._enter_tags(menu, field.text()))
        entry.setDefaultWidget(field)
        menu.addAction(entry)
        for tag in known:
            action = QAction(tag.replace("&", "&&"), menu, checkable=True)
            action.setChecked(all(tag in info.tags for info in own))
            action.toggled.connect(lambda on, tag=tag: self._set_tag(tag, on))
            menu.addAction(action)
        field.setFocus()
        return menu

    def _enter_tags(self, menu: QMenu, text: str) -> None:
        for tag in tags_of(text):
            self._set_tag(tag, True)
        menu.close()

    def _set_tag(self, tag: str, on: bool) -> None:
        runs = [info.run for info in self._own]
        if on:
            self._state.edits.add_tag(runs, tag)
        else:
            self._state.edits.remove_tag(runs, tag)

"""Left column of the Data panel: lists of data sets, what can be done with them, and the way in for files."""

from pathlib import Path

from PySide6.QtCore import QModelIndex, QPoint, Qt, QUrl
from PySide6.QtGui import QAction, QDesktopServices, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from gmstudio.protocol.plain_text import plain_text
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.data.set_table import SetRow, SetTable
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.state.data.state import DataState

FILES = "Images and archives (*.zip *.npz *.npy *.mat *.amat *.csv *.txt *.gz *.bin *-ubyte *.tar.gz);;All files (*)"
TRASH_TIP = "Move the imported set to the trash; Undo brings it back"
ELSEWHERE = "The engine runs on another machine; paste a path there."
NOT_IMPORTED = "Only imported sets have a folder of their own."


class SetList(QWidget):
    """List of data sets with their actions, and the import of files.

    Args:
        state: state of the panel.
        panel: panel that names the controls.

    Attributes:
        in_tab_order: widgets that take the focus, in their order.
    """

    def __init__(self, state: DataState, panel: Panel) -> None:
        super().__init__()
        self._state = state
        self._panel = panel
        self._table = SetTable(state)
        self._selecting = False
        """Folders that Redo moves to the trash."""
        self._tree = _SetTree(self)
        self._tree.setModel(self._table)
        header = self._tree.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        tip = "Data sets; select one to open it. More with the right button."
        panel.name_widget(self._tree, "sets", "Data sets", tip)
        self._problem = QLabel(self)
        self._problem.setProperty("role", "error")
        self._problem.setWordWrap(True)
        self._problem.setTextFormat(Qt.TextFormat.PlainText)
        self._path = QLineEdit(self)
        self._path.setPlaceholderText("or paste a path, then Return")
        panel.name_widget(
            self._path, "path", "Path to import", "Path of a folder, archive or file of images; Return previews it."
        )
        self._actions = self._make_actions()
        self._undo_row = self._make_undo_row()
        self._lay_out()
        self._connect()
        self._fill()
        self._show_problem()

    def _make_actions(self) -> dict[str, QAction]:
        add, tree = self._panel.add_action, self._tree
        return {
            "import_folder": add(
                "import_folder",
                "Folder…",
                "Ctrl+I",
                self._ask_folder,
                icon="folder",
                tip="Import a folder of pictures; subfolders are classes",
            ),
            "import_file": add(
                "import_file",
                "File…",
                "Ctrl+Shift+I",
                self._ask_file,
                icon="data",
                tip="Import an archive (.zip) or a file of images (.npz, .npy, .mat, .csv, IDX, CIFAR)",
            ),
            "rename": add("rename", "Rename", "F2", self._rename, tip="Give the imported set a name", only_in=tree),
            "show_folder": add(
                "show_folder",
                "Show folder",
                "",
                self._show_folder,
                tip="Show the set's folder in the file manager",
                only_in=tree,
            ),
            "trash": add("trash", "Move to trash", "Delete", self._trash, tip=TRASH_TIP, only_in=tree),
            "refresh": add(
                "refresh", "Refresh list", "", self._state.sets.refresh, tip="Read the list again", only_in=tree
            ),
        }

    def _make_undo_row(self) -> QWidget:
        row = QWidget(self)
        self._trash_text = ElidedLabel(row)
        self._trash_text.setProperty("role", "muted")
        undo = self._panel.add_action(
            "undo_trash",
            "Undo",
            "",
            self._state.set_edits.bring_back,
            tip="Bring the data set back from the trash",
        )
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._trash_text, 1)
        self._undo = self._panel.button(undo)
        layout.addWidget(self._undo)
        row.hide()
        return row

    def _lay_out(self) -> None:
        title = QLabel("Data sets", self)
        title.setProperty("role", "heading")
        heading = QLabel("Import your own images", self)
        heading.setProperty("role", "heading")
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        chain: list[QWidget] = [self._tree, self._undo]
        for name in ("import_folder", "import_file"):
            button = self._panel.button(self._actions[name])
            button.setSizePolicy(button.sizePolicy().Policy.Expanding, button.sizePolicy().verticalPolicy())
            buttons.addWidget(button)
            chain.append(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID, 0, GRID)
        layout.setSpacing(GRID)
        layout.addWidget(title)
        layout.addWidget(self._tree, 1)
        layout.addWidget(self._undo_row)
        layout.addWidget(self._problem)
        layout.addWidget(heading)
        layout.addLayout(buttons)
        layout.addWidget(self._path)
        self.in_tab_order: list[QWidget] = [*chain, self._path]

    def _connect(self) -> None:
        state = self._state
        state.lists_changed.connect(self._fill)
        state.opened.opened.connect(self._select)
        state.view_changed.connect(self._select)
        state.downloads.changed.connect(self._select)
        state.problem_changed.connect(self._show_problem)
        self._tree.selectionModel().selectionChanged.connect(lambda *_: self._open_selected())
        self._tree.clicked.connect(lambda _index: self._open_selected())
        self._tree.customContextMenuRequested.connect(self._open_menu)
        self._path.returnPressed.connect(self._import_typed)
        theme().changed.connect(self._tree.viewport().update)

    # ---- list ----------------------------------------------------------------------------------------------------

    @property
    def _current(self) -> SetRow | None:
        """Selected data set; a list that gets the focus has a current row that nobody selected."""
        rows = self._tree.selectionModel().selectedRows()
        return self._table.at(rows[0]) if rows else None

    def _fill(self) -> None:
        self._table.fill()
        for number, row in enumerate(self._table.rows):
            self._tree.setFirstColumnSpanned(number, QModelIndex(), not row.figure)
        self._select()
        trashed = self._state.sets.trashed
        self._undo_row.setVisible(bool(trashed))
        if trashed:
            event, name = trashed[-1]
            runs = self._state.num_runs(event.folder)
            used = f" {runs} {'run was' if runs == 1 else 'runs were'} trained on it." if runs else ""
            self._trash_text.set_words(f"{name} is in the trash.{used}")
        self._show_problem()

    def _select(self) -> None:
        """Mark the data set that is open."""
        row, selected = self._table.shown_row(), self._tree.selectionModel().selectedRows()
        if [row] != [index.row() for index in selected]:
            self._selecting = True
            if row >= 0:
                self._tree.setCurrentIndex(self._table.index(row, 0))
            else:
                self._tree.clearSelection()
            self._selecting = False
        self._show_possible()

    def _open_selected(self) -> None:
        row = self._current
        if row is not None and not self._selecting and row is not self._table.shown:
            if row.folder:
                self._state.open_set(row.folder)
            elif row.remote:
                self._state.show_download(row.remote)
            else:
                self._state.open_source(row.source)
        self._show_possible()

    def _show_possible(self) -> None:
        row = self._current
        reason = "" if row is not None and row.folder else NOT_IMPORTED
        for name in ("rename", "trash"):
            self._panel.allow(self._actions[name], reason)
        remote = "" if self._state.is_local else ELSEWHERE
        self._panel.allow(self._actions["show_folder"], reason or remote)
        for name in ("import_folder", "import_file"):
            self._panel.allow(self._actions[name], remote)

    def _show_problem(self) -> None:
        text = " ".join(filter(None, (self._state.problem, *self._state.sets.problems)))
        self._problem.setText(text)
        self._problem.setVisible(bool(text))

    # ---- actions -------------------------------------------------------------------------------------------------

    def _open_menu(self, place: QPoint) -> None:
        menu = self.menu()
        menu.popup(self._tree.viewport().mapToGlobal(place))

    def menu(self) -> QMenu:
        """Create the context menu of the current data set."""
        menu = QMenu(self._tree)
        menu.setObjectName("data.set_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        menu.addActions([self._actions[name] for name in ("rename", "show_folder", "trash", "refresh")])
        return menu

    def _rename(self) -> None:
        rows = self._tree.selectionModel().selectedRows()
        if rows:
            self._tree.edit(rows[0])

    def _trash(self) -> None:
        if (row := self._current) is not None and row.folder:
            self._state.set_edits.trash(row.folder)

    def _show_folder(self) -> None:
        if (row := self._current) is not None and row.folder:
            QDesktopServices.openUrl(QUrl.fromLocalFile(row.folder))

    def _import_typed(self) -> None:
        text = plain_text(self._path.text())
        if text:
            self._path.clear()
            self._state.import_files(text)

    def _ask_folder(self) -> None:
        dialog = self._dialog("Import a folder of pictures", "import_folder_dialog")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, False)
        dialog.show()

    def _ask_file(self) -> None:
        dialog = self._dialog("Import an archive or a file of images", "import_file_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(FILES.split(";;"))
        dialog.show()

    def _dialog(self, title: str, name: str) -> QFileDialog:
        """Create a file dialog that is not modal."""
        dialog = QFileDialog(self, title, str(Path.home()))
        dialog.setObjectName(name)
        dialog.setModal(False)
        dialog.fileSelected.connect(self._state.import_files)
        dialog.finished.connect(dialog.deleteLater)
        return dialog


class _SetTree(QTreeView):
    """View of the data sets; long names are elided in the middle."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setRootIsDecorated(False)
        self.setHeaderHidden(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.header().setStretchLastSection(False)
        self.header().setResizeContentsPrecision(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Trigger the actions of the list: a list that has the focus gets plain keys before their shortcuts do."""
        pressed = QKeySequence(event.keyCombination())
        action = next((action for action in self.actions() if pressed in action.shortcuts()), None)
        if action is None or self.state() == QAbstractItemView.State.EditingState:
            super().keyPressEvent(event)
        elif action.isEnabled():
            action.trigger()

"""Context menus that save and copy the pictures and plots of all panels, with their provenance."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QContextMenuEvent, QCursor, QGuiApplication
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from gmstudio.media import Provenance, metadata_of
from gmstudio.window.client.background_task import Background
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.places import RunState
from gmstudio.window.gui.shell.picture_settings import settings_of
from gmstudio.window.gui.widgets.save_dialog import ask_path
from gmstudio.window.state.runs.library import RunLibrary

if TYPE_CHECKING:
    from gmstudio.window.gui.widgets.save_forms import SaveForm, Write


class SaveMenus(QObject):
    """Opens the menu of a picture or plot that has no menu of its own, and writes its files in a thread.

    Args:
        library: library of runs, for the provenance.

    Signals:
        written: sentence with the path of a file.
        failed: sentence on why there is none.
    """

    written = Signal(str)
    failed = Signal(str)

    def __init__(self, library: RunLibrary, parent: QObject) -> None:
        super().__init__(parent)
        self._library = library
        self._states: dict[Panel, object] = {}
        self._background = Background(self)
        self._background.done.connect(lambda path: self.written.emit(f"Written: {path}"))
        self._background.failed.connect(self.failed)

    def add_panel(self, panel: Panel, state: object) -> None:
        """Serve the pictures of a panel: its context menus that nothing else opens, and its own menus.

        Args:
            panel: the panel.
            state: its state; where it is a ``RunState``, files embed the run.
        """
        self._states[panel] = state
        panel.installEventFilter(self)
        panel.menu_opening.connect(partial(self.fill, panel))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Open the menu for a context menu event that no widget of the panel has taken."""
        if isinstance(event, QContextMenuEvent) and isinstance(watched, Panel):
            by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
            target = QApplication.focusWidget() if by_key else watched.childAt(watched.mapFromGlobal(event.globalPos()))
            menu = QMenu(watched)
            menu.setObjectName("save_menu")
            erases = not by_key and _erases(target)
            if target is not None and watched.isAncestorOf(target) and not erases and self.fill(watched, menu, target):
                menu.aboutToHide.connect(menu.deleteLater)
                menu.popup(event.globalPos())
                return True
            menu.deleteLater()
        return super().eventFilter(watched, event)

    def fill(self, panel: Panel, menu: QMenu, target: QWidget) -> bool:
        """Add what can be saved and copied of a widget to a menu; False where there is nothing.

        Args:
            panel: that the widget belongs to.
            menu: the menu.
            target: a widget of the panel, perhaps inside a picture or plot.
        """
        # Only now: it imports the plotting library, which the window's start does not wait for.
        from gmstudio.window.gui.widgets.save_forms import forms_of, savable

        widget = savable(target, panel)
        forms = forms_of(widget, widget.mapFromGlobal(QCursor.pos())) if widget is not None else []
        if widget is None or not forms:
            return False
        if not menu.isEmpty():
            menu.addSeparator()
        for form in forms:
            menu.addAction(form.title).triggered.connect(partial(self._on_chosen, panel, widget, form))
        return True

    def _on_chosen(self, panel: Panel, widget: QWidget, form: "SaveForm", _checked: bool = False) -> None:
        if form.copy is not None:
            content, clipboard = form.copy(), QGuiApplication.clipboard()
            # Not as MIME data made here: they would outlive the interpreter in the clipboard.
            if isinstance(content, str):
                clipboard.setText(content)
            else:
                clipboard.setImage(content)
        elif form.write is not None:
            # Painted now: the widget may show something else when the place is chosen.
            write = form.write(self._texts(panel, widget))
            name = widget.objectName().rpartition(".")[2] or "picture"
            ask_path(panel, form.title.removesuffix("…"), name, form.suffix, partial(self._write, write))

    def _write(self, write: "Write", path: str) -> None:
        def work(_stopped: object) -> str:
            write(Path(path))
            return path

        self._background.start(work)

    def _texts(self, panel: Panel, widget: QWidget) -> dict[str, str]:
        state = self._states[panel]
        origin = panel.picture_origin(widget)
        if origin is not None:
            return metadata_of(msgspec.structs.replace(origin, panel=panel.name))
        info = self._library.info(state.run) if isinstance(state, RunState) else None
        shows = widget.accessibleName() or panel.accessibleName()
        seed, settings = settings_of(panel.name, state)
        details = panel.picture_details() | settings
        if info is None:
            return metadata_of(Provenance(family="", run="", shows=shows, panel=panel.name, details=details))
        return metadata_of(
            Provenance(
                family=info.spec.family,
                run=info.title,
                folder=info.run,
                created=info.created,
                step=self._library.checkpoints.steps.get(info.run, info.step),
                seed=seed,
                shows=shows,
                panel=panel.name,
                details=details,
            )
        )


def _erases(target: QWidget | None) -> bool:
    from gmstudio.window.gui.widgets.save_forms import erases_by_right_button

    return erases_by_right_button(target)

"""Machine of the engine: the title that says it, and the dialog that changes it."""

from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from gmstudio.window.client.engine_command import machine_of, split_command
from gmstudio.window.gui.forms.path_edit import FolderEdit
from gmstudio.window.gui.shell.banner import Banner, Notice
from gmstudio.window.gui.shell.connect_dialog import ConnectDialog
from gmstudio.window.gui.shell.settings import ENGINES, LAST_ENGINE, WindowSettings
from gmstudio.window.state.connection_test import ConnectionTest
from gmstudio.window.state.engine import EngineState

TITLE = "gmstudio"
MAX_RECENT = 8
KEY = "machine"


class Machine(QObject):
    """Says in the window's title on which machine the engine runs, and lets the user choose another one.

    Args:
        window: the main window.
        engine: state of the engine.
        settings: keep the commands that were used last.
    """

    _connecting = Signal()

    def __init__(self, window: QWidget, engine: EngineState, settings: WindowSettings) -> None:
        super().__init__(window)
        self._window = window
        self._engine = engine
        self._settings = settings
        self._test = ConnectionTest(self)
        self._dialog: ConnectDialog | None = None
        engine.changed.connect(self._show)
        self._show()

    def ask(self) -> None:
        """Open the dialog, or bring it to the front."""
        if self._dialog is None:
            recent: list[str] = self._settings.get(ENGINES)
            dialog = self._dialog = ConnectDialog(recent, self._test, self._engine.machine, self._window)
            dialog.chosen.connect(self._connect)
            dialog.finished.connect(self._forget_dialog)
        self._dialog.show()
        self._dialog.activateWindow()

    def offer(self, banner: Banner) -> None:
        """Offer the machine of the session before in the banner, where the engine is this computer's now.

        Nothing connects by itself: that may ask for a password, start a job, or wait for a machine that is off.
        """
        text = self._settings.get(LAST_ENGINE)
        if not text or self._engine.machine:
            return
        try:
            command = split_command(text)
        except ValueError:  # the file was edited by hand; the dialog lists what was used
            return
        machine = machine_of(command)
        banner.show_notice(
            Notice(
                KEY,
                f"Last time the engine ran on {machine}; now it is this computer's.",
                actions=((f"Connect to {machine}", partial(self._connect, command, text)),),
                dismissed=lambda: self._settings.put(LAST_ENGINE, ""),
            )
        )
        self._connecting.connect(lambda: banner.withdraw(KEY))

    def close(self) -> None:
        """Close the dialog, with a test that is under way."""
        if self._dialog is not None:
            self._dialog.close()

    def _forget_dialog(self) -> None:
        self._dialog = None

    def _connect(self, command: list[str], text: str) -> None:
        if text:
            recent = [text, *(known for known in self._settings.get(ENGINES) if known != text)]
            self._settings.put(ENGINES, recent[:MAX_RECENT])
        self._settings.put(LAST_ENGINE, text)
        self._connecting.emit()
        self._engine.connect_to(command)

    def _show(self) -> None:
        machine = self._engine.machine
        FolderEdit.elsewhere = f"The engine runs on {machine}; write a path of that machine." if machine else ""
        self._window.setWindowTitle(f"{TITLE} — {machine}" if machine else TITLE)

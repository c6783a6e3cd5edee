"""Settings of the window: typed entries of one file, each with a default and a check of what is read."""

import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from PySide6.QtCore import QByteArray, QSettings, QTimer

from gmstudio.system.typed_path import typed_path
from gmstudio.window.gui.theme import MODES, Mode

FILE_NAME = "window.ini"
LATER_MS = 500
"""Time after which changed values are written, all at once."""
T = TypeVar("T")
Values = dict[str, Any]


@dataclass(frozen=True)
class Setting(Generic[T]):
    """Entry of the settings file.

    Args:
        key: group and name in the file.
        default: value where the file has none, or an invalid one.
        decode: converts what the file holds to the value; raises ``ValueError`` where it cannot.
        encode: converts a value to what the file holds.
    """

    key: str
    default: T
    decode: Callable[[Any], T]
    encode: Callable[[T], object]


def _text(value: object) -> str:
    return str(value)


def _mode(value: object) -> Mode:
    return next((mode for mode in MODES if mode == value), MODES[0])


def _bytes(value: object) -> QByteArray:
    if not isinstance(value, QByteArray):
        raise ValueError(f"{value!r} is no byte array.")
    return value


def _json(kind: type[T]) -> Callable[[Any], T]:
    return lambda value: msgspec.json.decode(str(value), type=kind)


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


GEOMETRY = Setting("window/geometry", QByteArray(), _bytes, lambda value: value)
"""Place and size of the window, as ``QWidget.saveGeometry`` writes them."""
THEME: Setting[Mode] = Setting("window/theme", "system", _mode, _text)
PANEL = Setting("window/panel", "", _text, _text)
"""Name of the panel in front."""
DEVICE = Setting("engine/device", "", _text, _text)
"""Device of the engine; empty: its own choice."""
PANEL_OF_RUN: Setting[dict[str, str]] = Setting("runs/panels", {}, _json(dict[str, str]), _to_json)
"""Run → name of the panel that showed it last, the one shown longest ago first."""
RUN_OF_PANEL: Setting[dict[str, str]] = Setting("runs/shown", {}, _json(dict[str, str]), _to_json)
"""Panel → run that it showed last."""
CHECKPOINTS: Setting[dict[str, int]] = Setting("runs/checkpoints", {}, _json(dict[str, int]), _to_json)
"""Run → step of the checkpoint with whose weights it is explored, where that is not the newest."""
FOLLOW: Setting[bool] = Setting("runs/follow", False, _json(bool), _to_json)
"""Panels show newly started runs."""
STATES: Setting[dict[str, Values]] = Setting("panels/states", {}, _json(dict[str, Values]), _to_json)
"""Panel → choices of its state that are kept: for Train, family, data and their settings."""
ENGINES: Setting[list[str]] = Setting("engine/recent", [], _json(list[str]), _to_json)
"""Commands of engines on other machines that were connected to last, the last one first."""
LAST_ENGINE = Setting("engine/last", "", _text, _text)
"""Command of the engine on another machine that the window worked with last; empty: this computer's."""
PALETTE: Setting[list[str]] = Setting("palette/recent", [], _json(list[str]), _to_json)
"""Ids of the entries of the command palette that were chosen last, the last one first."""
CONTROLS: Setting[Values] = Setting("panels/controls", {}, _json(Values), _to_json)
"""Object name → value of the controls that a panel remembers."""

NAMED_RUNS = "runs/named"
"""Entry that says that runs are kept by their names; earlier versions kept the paths of their folders."""
HOLDING_RUNS: tuple[Setting[Any], ...] = (PANEL_OF_RUN, RUN_OF_PANEL, CHECKPOINTS, STATES, PALETTE, CONTROLS)

SETTINGS: tuple[Setting[Any], ...] = tuple(value for value in globals().values() if isinstance(value, Setting))
"""All settings of the window."""


class WindowSettings:
    """Reads and writes the settings of the window.

    Args:
        file: the INI file; by default in ``$GMSTUDIO_HOME``, else with the user's settings.
    """

    def __init__(self, file: Path | None = None) -> None:
        home = os.environ.get("GMSTUDIO_HOME", "").strip()
        if file is None and home:
            file = typed_path(home) / FILE_NAME
        self._path = file
        self._file = self._open()
        self._changed: dict[str, object] = {}
        """Entries that are in the file after the next ``sync``, or some time before."""
        self._writing: threading.Thread | None = None
        self._later = QTimer(singleShot=True, interval=LATER_MS)
        self._later.timeout.connect(self._write_beside)
        if not self._file.contains(NAMED_RUNS):
            self._name_runs()
            self._file.setValue(NAMED_RUNS, "1")
        self._values = {setting.key: self._file.value(setting.key) for setting in SETTINGS}
        """Values in the file, and what was changed since: to read one there would wait for the thread that writes."""

    def _open(self) -> QSettings:
        ini = QSettings.Format.IniFormat
        if self._path is None:
            return QSettings(ini, QSettings.Scope.UserScope, "gmstudio", "window")
        return QSettings(str(self._path), ini)

    def _name_runs(self) -> None:
        """Take over the settings of earlier versions: the path of a run in the library becomes the run's name."""
        found = {setting.key: self._file.value(setting.key) for setting in HOLDING_RUNS}
        texts = {key: text for key, text in found.items() if isinstance(text, str)}
        if not texts:
            return
        # Only here: what reads runs takes a tenth of the time until the window is there.
        from gmstudio.runs.examples import examples_home
        from gmstudio.runs.library import runs_home
        from gmstudio.runs.names import EXAMPLES

        home, examples = str(runs_home().absolute()), str(examples_home())
        for key, text in texts.items():
            self._file.setValue(key, with_names(with_names(text, home, ""), examples, f"{EXAMPLES}/"))

    def get(self, setting: Setting[T]) -> T:
        """Return the value that the file had at the start, or was changed to; the default for none or an invalid one.

        Args:
            setting: one of ``SETTINGS``.
        """
        value = self._values[setting.key]
        if value is None:
            return setting.default
        try:
            return setting.decode(value)
        except (ValueError, RecursionError):  # msgspec's errors are of this kind
            return setting.default

    def put(self, setting: Setting[T], value: T) -> None:
        """Change a value; soon it is written to the file, in a thread: the window does not wait for a slow disk."""
        self._values[setting.key] = self._changed[setting.key] = setting.encode(value)
        self._later.start()

    def sync(self) -> None:
        """Write the changed values to the file now."""
        self._later.stop()
        if self._writing is not None:
            self._writing.join()
        _write(self._file, self._changed)
        self._changed = {}

    def _write_beside(self) -> None:
        if self._writing is not None and self._writing.is_alive():
            self._later.start()
            return
        changed = dict(self._changed)
        self._writing = threading.Thread(target=lambda: _write(self._open(), changed), name="settings")
        self._writing.start()


def _write(file: QSettings, changed: dict[str, object]) -> None:
    for key, value in changed.items():
        file.setValue(key, value)
    file.sync()


def with_names(json: str, home: str, prefix: str) -> str:
    """Replace the paths of folders in ``home`` by their names.

    Args:
        json: JSON text, in whose strings a path ends at the end or at a character that is written with a backslash.
        home: path of a folder of runs.
        prefix: comes before each name.
    """
    inner = msgspec.json.encode(f"{home}{os.sep}").decode()[1:-1]
    path = re.compile(rf"{re.escape(inner)}(?P<name>[^/\\\"]+)(?=[\\\"])")
    return path.sub(lambda found: f"{prefix}{found['name']}", json)

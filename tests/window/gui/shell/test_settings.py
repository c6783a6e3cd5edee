"""Every setting of the window is read back, in its file and in the next window."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot
from studio_fixture import WAIT_MS, StartStudio, start_studio, wait_ready
from toy_panels import PLACES, FirstPanel, FirstState, SecondState

from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.gui.shell.settings import (
    CHECKPOINTS,
    ENGINES,
    LAST_ENGINE,
    PALETTE,
    RUN_OF_PANEL,
    SETTINGS,
    STATES,
    THEME,
    Setting,
    WindowSettings,
)
from gmstudio.window.gui.theme import theme
from gmstudio.window.state.studio import Studio

__all__ = ["start_studio"]


class Opened(NamedTuple):
    window: MainWindow
    studio: Studio

    @property
    def first(self) -> FirstPanel:
        panel = self.window.findChild(FirstPanel, "first")
        assert panel is not None
        return panel

    @property
    def dark(self) -> QAction:
        action = self.window.findChild(QAction, "window.theme_dark")
        assert action is not None
        return action


class Case(NamedTuple):
    """A setting: how its user changes it, what the next window shows of it, and which value that is."""

    change: Callable[[Opened], object]
    seen: Callable[[Opened], object]
    value: object


CASES = {
    "window/geometry": Case(lambda o: o.window.resize(o.window.width(), 650), lambda o: o.window.height(), 650),
    "window/theme": Case(
        lambda o: o.dark.trigger(),
        lambda o: (theme().mode, o.dark.isChecked()),
        ("dark", True),
    ),
    "window/panel": Case(lambda o: o.window.show_panel("second"), lambda o: o.window.panel, "second"),
    "engine/device": Case(lambda o: o.studio.engine.choose_device("cpu"), lambda o: o.studio.engine.device, "cpu"),
    "runs/panels": Case(
        lambda o: (o.window.show_panel("second"), o.studio.state(SecondState).choose_run("/runs/toy")),
        lambda o: o.window._opener._panel_of,
        {"/runs/toy": "second"},
    ),
    "runs/shown": Case(
        lambda o: o.studio.state(SecondState).choose_run("/runs/older"),
        lambda o: o.studio.state(SecondState).run,
        "/runs/older",
    ),
    "runs/checkpoints": Case(
        lambda o: o.studio.library.checkpoints.choose("/runs/older", 10),
        lambda o: o.studio.library.checkpoints.steps,
        {"/runs/older": 10},
    ),
    "runs/follow": Case(
        lambda o: o.window.findChild(QAction, "window.follow_runs").trigger(),
        lambda o: o.studio.library.follows and o.window.findChild(QAction, "window.follow_runs").isChecked(),
        True,
    ),
    "panels/states": Case(
        lambda o: setattr(o.studio.state(FirstState), "choice", "Ü = 1, b"),
        lambda o: o.studio.state(FirstState).choice,
        "Ü = 1, b",
    ),
    "engine/recent": Case(
        lambda o: o.window._machine._connect(list(o.studio.client.command), "ssh box gmstudio engine"),
        lambda o: o.window._settings.get(ENGINES),
        ["ssh box gmstudio engine"],
    ),
    "engine/last": Case(
        lambda o: o.window._machine._connect(list(o.studio.client.command), "ssh box gmstudio engine"),
        lambda o: o.window._settings.get(LAST_ENGINE),
        "ssh box gmstudio engine",
    ),
    "palette/recent": Case(
        lambda o: o.window._palette._do(next(e for e in o.window._palette.entries() if e.title == "Refresh runs")),
        lambda o: o.window._palette._recent(),
        ["action:window.refresh_runs"],
    ),
    "panels/controls": Case(lambda o: o.first.follow.setChecked(True), lambda o: o.first.follow.isChecked(), True),
}


@pytest.fixture(autouse=True)
def _theme_as_before(qapp: object) -> Any:
    before = theme().mode
    yield
    theme().set_mode(before)


def open_window(qtbot: QtBot, start: StartStudio) -> Opened:
    studio = start("--listed", "--older")
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    window.show()
    wait_ready(qtbot, studio)
    qtbot.waitUntil(lambda: "second" in window._panels and bool(studio.library.runs), timeout=WAIT_MS)
    return Opened(window, studio)


def test_every_setting_has_a_case() -> None:
    assert list(CASES) == [setting.key for setting in SETTINGS]


def test_the_next_window_shows_what_was_set(qtbot: QtBot, start_studio: StartStudio, home: Path) -> None:
    """All settings at once; one that another one changes again, such as a further run on display, in the next round."""
    left = dict(CASES)
    while left:
        (home / "window.ini").unlink(missing_ok=True)
        first = open_window(qtbot, start_studio)
        for key, case in left.items():
            case.change(first)
            assert case.seen(first) == case.value, key
        kept = {key: case for key, case in left.items() if case.seen(first) == case.value}
        assert kept
        first.window.close()
        qtbot.waitUntil(lambda window=first.window: not window.isVisible(), timeout=WAIT_MS)
        theme().set_mode("system")
        second = open_window(qtbot, start_studio)
        for key, case in kept.items():
            qtbot.waitUntil(lambda case=case, second=second: case.seen(second) == case.value, timeout=WAIT_MS)
            left.pop(key)
        second.window.close()
        qtbot.waitUntil(lambda window=second.window: not window.isVisible(), timeout=WAIT_MS)
        theme().set_mode("system")


EXAMPLES: dict[str, Any] = {
    "window/geometry": QByteArray(b"\x01\x00\xff"),
    "window/theme": "dark",
    "window/panel": "pixels",
    "engine/device": "cpu",
    "runs/panels": {'/runs/a "é" = b, c': "pixels"},
    "runs/shown": {"train": "/runs/a"},
    "runs/checkpoints": {"/runs/a": 400},
    "runs/follow": True,
    "panels/states": {"train": {"family": "vae", "config": {"vae": {"beta": 0.5, "sizes": [1, 2], "clip": None}}}},
    "engine/recent": ["ssh 'box' gmstudio engine"],
    "engine/last": "ssh 'box' gmstudio engine",
    "palette/recent": ["family:vae", "run:/runs/a"],
    "panels/controls": {"latents.map_side": 11, "train.smoothing": 3, "action.train.log": True},
}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_a_setting_is_read_as_it_was_written(qapp: object, tmp_path: Path, setting: Setting[Any]) -> None:
    settings = WindowSettings(tmp_path / "window.ini")
    assert settings.get(setting) == setting.default
    settings.put(setting, EXAMPLES[setting.key])
    settings.sync()
    assert WindowSettings(tmp_path / "window.ini").get(setting) == EXAMPLES[setting.key]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"a": [1]}', "@ByteArray(", "[" * 100_000, '{"a":' * 9_000])
def test_damage_gives_a_value_of_the_right_type(qapp: object, tmp_path: Path, setting: Setting[Any], text: str) -> None:
    file = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    file.setValue(setting.key, text)
    file.sync()
    assert type(WindowSettings(tmp_path / "window.ini").get(setting)) is type(setting.default)


def test_no_value_is_read_from_the_file_later_where_a_thread_may_write(
    qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = WindowSettings(tmp_path / "window.ini")
    monkeypatch.setattr(settings, "_file", None)
    settings.put(THEME, "dark")
    settings._later.stop()
    found = {setting.key: settings.get(setting) for setting in SETTINGS}
    assert found.pop(THEME.key) == "dark"
    assert found == {setting.key: setting.default for setting in SETTINGS if setting is not THEME}


def test_a_file_of_an_earlier_version_is_read(qapp: object, tmp_path: Path) -> None:
    (tmp_path / "window.ini").write_text("[window]\ntheme=dark\n")
    assert WindowSettings(tmp_path / "window.ini").get(THEME) == "dark"


def test_runs_kept_by_their_paths_are_kept_by_their_names(
    qapp: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Earlier versions kept the paths of runs: in keys, in values, before a line break, after a prefix."""
    home, elsewhere = tmp_path / 'my "home"', "/mnt/other/runs/b"
    monkeypatch.setenv("GMSTUDIO_HOME", str(home))
    monkeypatch.setenv("GMSTUDIO_EXAMPLES", str(tmp_path / "examples"))
    run, example = str(home / "runs" / "a é"), str(tmp_path / "examples" / "vae")
    file = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    file.setValue("runs/shown", json.dumps({"train": run, "plane": elsewhere}, ensure_ascii=False))
    file.setValue("runs/checkpoints", json.dumps({run: 400}, ensure_ascii=False))
    kept = {"plane": {"views": {f"{run}\nstates": [1]}, "beside": [example, f"{run}/deeper"]}}
    file.setValue("panels/states", json.dumps(kept, ensure_ascii=False))
    file.setValue("palette/recent", json.dumps([f"run:{run}"], ensure_ascii=False))
    file.sync()
    settings = WindowSettings(tmp_path / "window.ini")
    assert settings.get(RUN_OF_PANEL) == {"train": "a é", "plane": elsewhere}
    assert settings.get(CHECKPOINTS) == {"a é": 400} and settings.get(PALETTE) == ["run:a é"]
    assert settings.get(STATES) == {
        "plane": {"views": {"a é\nstates": [1]}, "beside": ["examples/vae", f"{run}/deeper"]}
    }

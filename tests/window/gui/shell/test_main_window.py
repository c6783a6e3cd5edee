"""The window around the panels, with a fake engine."""

import os
import signal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel, QProgressBar, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot
from studio_fixture import WAIT_MS, StartStudio, start_studio, train, wait_ready
from toy_panels import PLACES, FirstPanel, FirstState, SecondState

from gmstudio.protocol.engine import CommandFailed, EngineReported, Reason
from gmstudio.protocol.training import StopTraining
from gmstudio.window.client.process_status import Timeouts
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.progress_text import duration_text, memory_text
from gmstudio.window.gui.shell.help import HelpPage
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.gui.shell.status_bar import rate_text
from gmstudio.window.gui.theme import theme
from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.studio import Studio

__all__ = ["start_studio"]


def open_window(qtbot: QtBot, studio: Studio) -> MainWindow:
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: window.findChild(QWidget, "second") is not None, timeout=WAIT_MS)
    return window


def banner_text(window: MainWindow) -> str:
    return window.banner.notice.text if window.banner.notice else ""


def find(window: MainWindow, kind: type, name: str) -> object:
    found = window.findChild(kind, name)
    assert found is not None, f"no {name}"
    return found


def status(window: MainWindow, control: str) -> str:
    label = find(window, QLabel, f"status.{control}")
    assert isinstance(label, QLabel)
    return label.text()


def act(window: MainWindow, index: int = 0) -> None:
    button = find(window, QPushButton, f"banner.action.{index}")
    assert isinstance(button, QPushButton)
    button.click()


def test_it_is_visible_before_the_engine_is_there(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio("--silent")
    window = open_window(qtbot, studio)
    assert window.isVisible()
    assert status(window, "engine") == "Engine starting…"


def test_keys_and_sidebar_show_the_panels(qtbot: QtBot, start_studio: StartStudio) -> None:
    window = open_window(qtbot, start_studio())
    assert window.panel == "first"
    QTest.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert window.panel == "second"
    qtbot.mouseClick(find(window, QToolButton, "sidebar.first"), Qt.MouseButton.LeftButton)
    assert window.panel == "first"
    focused = window.focusWidget()
    assert focused is not None
    assert find(window, FirstPanel, "first").isAncestorOf(focused) or focused.objectName() == "first"  # type: ignore[attr-defined]


def test_a_panels_keys_work_after_going_there(qtbot: QtBot, start_studio: StartStudio) -> None:
    window = open_window(qtbot, start_studio())
    window.show_panel("second")
    qtbot.mouseClick(find(window, QToolButton, "sidebar.first"), Qt.MouseButton.LeftButton)
    panel = find(window, FirstPanel, "first")
    assert isinstance(panel, FirstPanel)
    QTest.keyClick(window.focusWidget() or window, Qt.Key.Key_Space)
    assert panel.played == ["play"]


def test_help_lists_every_action_with_its_key(qtbot: QtBot, start_studio: StartStudio) -> None:
    window = open_window(qtbot, start_studio())
    QTest.keyClick(window, Qt.Key.Key_F1)
    assert window.panel == "help"
    page = find(window, HelpPage, "help")
    assert isinstance(page, HelpPage)
    for words in ("Ctrl+1", "First", "Space", "Play", "Generate on", "Ctrl+L", "Follow", "Left", "Back", "Ctrl+Q"):
        assert words in page.text()


def test_help_shows_the_glossary_and_the_engine_log(qtbot: QtBot, start_studio: StartStudio) -> None:
    window = open_window(qtbot, start_studio())
    page = find(window, HelpPage, "help")
    assert isinstance(page, HelpPage)
    for name, text in (("glossary", "Evidence lower bound"), ("engine_log", "No messages."), ("about", "gmstudio")):
        action = find(window, QAction, f"window.{name}")
        assert isinstance(action, QAction)
        action.trigger()
        assert window.panel == "help" and text in page.text()
    theme().set_mode("light" if theme().dark else "dark")
    assert "gmstudio" in page.text()
    theme().set_mode("system")


def test_death_is_reported_with_code_and_stderr_and_resume_is_offered(
    qtbot: QtBot, start_studio: StartStudio, tmp_path: Path
) -> None:
    counter = str(tmp_path / "starts")
    studio = start_studio("--listed", "--die-at", "StopTraining", "--exit-code", "3", "--counter", counter)
    window = open_window(qtbot, studio)
    train(qtbot, studio)
    studio.client.send(StopTraining())
    qtbot.waitUntil(lambda: "exit code 3" in banner_text(window), timeout=2000)
    qtbot.waitUntil(lambda: "A new engine is running" in banner_text(window), timeout=WAIT_MS)
    assert "Toy on digits was interrupted; its last checkpoint is of step 10" in banner_text(window)
    assert window.banner.notice is not None
    assert "out of memory" in window.banner.notice.detail
    act(window)
    qtbot.waitUntil(lambda: studio.library.live != "", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.banner.notice is None, timeout=WAIT_MS)


def test_a_kill_is_reported_within_two_seconds(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    window = open_window(qtbot, studio)
    wait_ready(qtbot, studio)
    os.kill(studio.engine.state.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: "signal 9 (SIGKILL)" in banner_text(window), timeout=2000)


def test_giving_up_offers_a_restart(qtbot: QtBot, start_studio: StartStudio, tmp_path: Path) -> None:
    studio = start_studio("--die-before-catalog", "1", "--counter", str(tmp_path / "starts"), "--failures", "3")
    window = open_window(qtbot, studio)
    qtbot.waitUntil(lambda: "not restarted automatically" in banner_text(window), timeout=WAIT_MS)
    assert status(window, "engine") == "Engine not running"
    assert window.banner.notice is not None
    assert "No module named 'torch'" in window.banner.notice.detail
    act(window)
    wait_ready(qtbot, studio)
    assert status(window, "engine") == "Engine ready"


def test_a_stopped_engine_is_not_responding_and_the_window_lives(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    window = open_window(qtbot, studio)
    wait_ready(qtbot, studio)
    pid = studio.engine.state.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        qtbot.waitUntil(lambda: "is not responding" in banner_text(window), timeout=WAIT_MS)
        assert status(window, "engine") == "Engine not responding"
        window.show_panel("second")
        assert window.panel == "second"
    finally:
        os.kill(pid, signal.SIGCONT)
    qtbot.waitUntil(lambda: window.banner.notice is None, timeout=WAIT_MS)


def test_not_responding_can_be_restarted(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    window = open_window(qtbot, studio)
    wait_ready(qtbot, studio)
    pid = studio.engine.state.pid
    os.kill(pid, signal.SIGSTOP)
    qtbot.waitUntil(lambda: "is not responding" in banner_text(window), timeout=WAIT_MS)
    act(window)
    qtbot.waitUntil(lambda: studio.engine.state.phase == "ready" and studio.engine.state.pid != pid, timeout=WAIT_MS)


def test_closing_saves_first_and_leaves_no_process(qtbot: QtBot, start_studio: StartStudio, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    studio = start_studio("--saved", str(saved), "--saving-s", "0.2")
    window = open_window(qtbot, studio)
    train(qtbot, studio)
    studio.client.deliver(EngineReported(state="training", device="CPU", memory_bytes=1))
    pid = studio.engine.state.pid
    window.close()
    assert window.isVisible()
    assert "Saving a checkpoint" in banner_text(window)
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT_MS)
    assert saved.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_closing_twice_does_not_wait(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio("--deaf", timeouts=Timeouts(close=1000.0))
    window = open_window(qtbot, studio)
    wait_ready(qtbot, studio)
    window.close()
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT_MS)


def test_geometry_panel_theme_and_device_are_remembered(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    window = open_window(qtbot, studio)
    wait_ready(qtbot, studio)
    window.resize(window.width(), 650)
    window.show_panel("second")
    studio.engine.choose_device("cpu")
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT_MS)
    again = start_studio()
    second = open_window(qtbot, again)
    assert second.panel == "second"
    assert second.height() == 650
    qtbot.waitUntil(lambda: again.engine.device == "cpu", timeout=WAIT_MS)


def test_the_theme_can_be_chosen(qtbot: QtBot, start_studio: StartStudio) -> None:
    window = open_window(qtbot, start_studio())
    for mode in ("dark", "light", "system"):
        action = find(window, QAction, f"window.theme_{mode}")
        assert isinstance(action, QAction)
        action.trigger()
        assert theme().mode == mode


def test_status_shows_device_memory_job_rate_and_time(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    window = open_window(qtbot, studio)
    wait_ready(qtbot, studio)
    report = EngineReported(
        state="training",
        device="CPU (2 threads)",
        memory_bytes=412_000_000,
        job="Training Toy",
        step=250,
        steps=1000,
        rate=1234.5,
        rate_unit="images/s",
        seconds_left=83.0,
    )
    studio.client.deliver(report)
    assert status(window, "device_name") == "CPU (2 threads)"
    assert status(window, "memory") == "412 MB"
    assert status(window, "job") == "Training Toy · step 250 of 1,000"
    assert status(window, "rate") == "1,234 images/s · 1 min 23 s left"
    assert status(window, "engine") == "Training"
    progress = find(window, QProgressBar, "status.progress")
    assert isinstance(progress, QProgressBar)
    assert (progress.value(), progress.maximum()) == (250, 1000)


def test_a_narrow_status_bar_cuts_the_job_and_nothing_else(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    window = open_window(qtbot, studio)
    wait_ready(qtbot, studio)
    window.resize(960, 600)
    values = {"memory_bytes": 412_000_000, "job": 9 * "long ", "step": 250, "steps": 10_000, "rate_unit": "images/s"}
    studio.client.deliver(
        EngineReported(state="training", device="CPU (2 threads)", rate=1234.5, seconds_left=8000.0, **values)
    )
    qtbot.waitUntil(lambda: status(window, "job").endswith("…"))
    for control in ("device_name", "memory", "rate", "engine"):
        label = find(window, QLabel, f"status.{control}")
        assert isinstance(label, QLabel) and label.width() >= label.sizeHint().width(), control
    window.resize(640, 400)  # now some are left out, so that the others can be read
    visible = [find(window, QLabel, f"status.{control}") for control in ("memory", "device_name", "rate", "engine")]
    assert all(label.width() >= label.sizeHint().width() for label in visible if label.isVisible())  # type: ignore[attr-defined]
    assert [label.isVisible() for label in visible][-1]  # type: ignore[attr-defined]
    window.resize(1200, 600)
    assert all(label.isVisible() for label in visible)  # type: ignore[attr-defined]


def test_a_device_is_chosen_in_the_status_bar(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    window = open_window(qtbot, studio)
    wait_ready(qtbot, studio)
    box = find(window, QComboBox, "status.device")
    assert isinstance(box, QComboBox)
    assert [box.itemText(i) for i in range(box.count())] == ["auto", "cpu"]
    box.setCurrentIndex(1)
    box.activated.emit(1)
    assert studio.engine.device == "cpu"


def test_a_run_that_cannot_be_opened_is_reported(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    window = open_window(qtbot, studio)
    failure = CommandFailed(command="OpenRun", message="There is no run in /nowhere.", reason=Reason.RUN_MISSING)
    studio.library.open_failed.emit("/nowhere", failure)
    assert banner_text(window) == "There is no run in /nowhere."


def test_a_run_from_anywhere_is_chosen_in_a_dialog_that_is_not_in_the_way(
    qtbot: QtBot, start_studio: StartStudio, tmp_path: Path
) -> None:
    studio = start_studio()
    window = open_window(qtbot, studio)
    wait_ready(qtbot, studio)
    window.show_panel("second")
    QTest.keyClick(window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    dialog = find(window, QFileDialog, "open_run_dialog")
    assert isinstance(dialog, QFileDialog)
    assert not dialog.isModal()
    dialog.fileSelected.emit(str(tmp_path))
    dialog.close()
    qtbot.waitUntil(lambda: window.panel == "first", timeout=WAIT_MS)
    assert studio.state(FirstState).run == "/runs/toy"
    assert list(studio.library.opened) == ["/runs/toy"]


def test_a_run_is_opened_in_the_panel_that_showed_it_last(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    window = open_window(qtbot, studio)
    wait_ready(qtbot, studio)
    window.show_panel("second")
    studio.state(SecondState).choose_run("/runs/toy")
    window.show_panel("first")
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=WAIT_MS)
    again = start_studio()
    other = open_window(qtbot, again)
    wait_ready(qtbot, again)
    assert other.panel == "first"
    QTest.keyClick(other, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    dialog = find(other, QFileDialog, "open_run_dialog")
    assert isinstance(dialog, QFileDialog)
    dialog.fileSelected.emit("/runs/toy")
    dialog.close()
    qtbot.waitUntil(lambda: other.panel == "second", timeout=WAIT_MS)
    assert again.state(SecondState).run == "/runs/toy"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (3599, "59 min 59 s"), (3900, "1 h 05 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration_text(seconds) == words


def test_sizes_and_rates() -> None:
    assert memory_text(13_312) == "13 kB"
    assert memory_text(999_000_000) == "999 MB"
    assert memory_text(1_340_000_000) == "1.3 GB"
    slow = EngineReported(state="paused", device="", memory_bytes=0, rate=0.52, rate_unit="images/s", seconds_left=9.0)
    assert rate_text(slow) == "0.52 images/s"


def test_a_panel_is_entered_without_a_button_in_focus_and_returned_to_as_it_was_left(
    qtbot: QtBot, start_studio: StartStudio
) -> None:
    window = open_window(qtbot, start_studio())
    window.show_panel("second")
    assert window.focusWidget() is window.findChild(QWidget, "second")
    window.show_panel("first")
    button = window.findChild(QWidget, "first").findChildren(QToolButton)[0]  # type: ignore[union-attr]
    button.setFocus()
    window.show_panel("second")
    window.show_panel("first")
    assert window.focusWidget() is button


def test_the_edit_menu_undoes_the_newest_edit_wherever_it_was_made(qtbot: QtBot, start_studio: StartStudio) -> None:
    window = open_window(qtbot, start_studio("--silent"))
    first = find(window, Panel, "first")
    assert isinstance(first, FirstPanel)
    window.show_panel("first")
    undo, redo = find(window, QAction, "window.undo"), find(window, QAction, "window.redo")
    assert isinstance(undo, QAction) and isinstance(redo, QAction) and not undo.isEnabled()
    edits, values = EditRecorder(first), [0]
    edits.add_part("value", lambda: values[-1], values.append)
    first.record_edits(edits)
    with edits.recording("Randomize"):
        values.append(1)
    assert (undo.text(), undo.isEnabled()) == ("&Undo Randomize", True)
    QTest.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not undo.isEnabled() and redo.text() == "&Redo Randomize" and values[-1] == 0
    assert window.statusBar().currentMessage() == "Undone: Randomize (First)"
    QTest.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert undo.isEnabled() and values[-1] == 1
    first.line.setFocus()
    QTest.keyClicks(first.line, "ab")
    QTest.keyClick(first.line, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert first.line.text() == "" and values[-1] == 1
    QTest.keyClick(first.line, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)  # the field has nothing to undo
    assert not undo.isEnabled() and redo.isEnabled()
    redo.trigger()
    window.show_panel("help")
    assert undo.isEnabled()
    undo.trigger()
    assert window.panel == "first" and values[-1] == 0

"""What is slow at first is done in advance, one piece a turn."""

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QObject
from pytestqt.qtbot import QtBot

from gmstudio.gui.warm_up import WarmUp

MODULE = "loaded_in_advance"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / f"{MODULE}.py").write_text("import threading\nthread = threading.current_thread().name\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    return MODULE


def test_modules_load_in_a_thread_and_what_needs_them_is_built_afterwards(
    qtbot: QtBot, qapp: QObject, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    owner = QObject()
    warm_up = WarmUp([module], [lambda: built.append(sys.modules[module].thread), lambda: built.append("b")], owner)
    interval = sys.getswitchinterval()
    with qtbot.waitSignal(warm_up.finished, timeout=20_000):
        warm_up.start()
        assert built == []
    assert built == ["modules", "b"]
    assert sys.getswitchinterval() == pytest.approx(interval)
    monkeypatch.delitem(sys.modules, module)


def test_one_piece_a_turn(qtbot: QtBot, qapp: QObject) -> None:
    turns: list[int] = []
    owner = QObject()
    turn = 0

    def build() -> None:
        turns.append(turn)

    warm_up = WarmUp([], [build, build], owner)
    warm_up.start()
    while len(turns) < 2:
        turn += 1
        QCoreApplication.processEvents()
    assert turns[0] != turns[1]
    with qtbot.waitSignal(warm_up.finished, timeout=20_000):
        pass

"""Slow first-time work is done in advance, one piece a turn."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QObject
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.shell import preload
from gmstudio.window.gui.shell.preload import Preloader

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
    preloader = Preloader(
        [module], [lambda: built.append(sys.modules[module].thread), lambda: built.append("b")], owner
    )
    with qtbot.waitSignal(preloader.finished, timeout=20_000):
        preloader.start()
        assert built == []
    assert built == ["modules", "b"]
    monkeypatch.delitem(sys.modules, module)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="classes have no common table there")
def test_the_table_of_types_has_room_before_a_thread_defines_classes(
    qtbot: QtBot, qapp: QObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    monkeypatch.setattr(preload, "_load", lambda _modules: order.append("load"))
    monkeypatch.setattr(preload, "_make_room", lambda: iter([order.append("room")]))
    preloader = Preloader([], [], owner := QObject())
    with qtbot.waitSignal(preloader.finished, timeout=20_000):
        preloader.start()
    assert order == ["room", "load"] and owner is preloader.parent()
    monkeypatch.undo()
    monkeypatch.setattr(preload, "PIECE_S", 0.0)
    gc.collect()  # classes of earlier tests that are let go meanwhile would be counted as missing
    before, most = len(QObject.__subclasses__()), 0
    for _ in preload._make_room():
        most = max(most, len(QObject.__subclasses__()) - before)
    assert most >= preload.ROOM


def test_nothing_is_built_while_something_else_is_awaited(qapp: QObject) -> None:
    built: list[str] = []
    awaited, owner = [True, True, True, False], QObject()
    steps = Preloader([], [lambda: built.append("panel")], owner, lambda: awaited.pop(0))._built()
    for _ in range(3):
        next(steps)
    assert not built
    next(steps)
    assert built == ["panel"]


def test_one_piece_a_turn(qtbot: QtBot, qapp: QObject) -> None:
    turns: list[int] = []
    owner = QObject()
    turn = 0

    def build() -> None:
        turns.append(turn)

    preloader = Preloader([], [build, build], owner)
    preloader.start()
    while len(turns) < 2:
        turn += 1
        QCoreApplication.processEvents()
    assert turns[0] != turns[1]
    with qtbot.waitSignal(preloader.finished, timeout=20_000):
        pass


def test_every_qt_class_is_made_before_a_thread_may_ask_for_it(qtbot: QtBot, qapp: QObject, tmp_path: Path) -> None:
    """In a fresh interpreter, as PySide creates each class once."""
    script = """
import sys, types
from PySide6 import QtCore, QtGui, QtWidgets
application = QtWidgets.QApplication([])
from gmstudio.window.gui.shell import preload
seen = []
preload._load = lambda modules: seen.append({m.__name__: len(vars(m)) for m in (QtCore, QtGui, QtWidgets)})
owner = QtCore.QObject()
loader = preload.Preloader([], [], owner)
loader.finished.connect(application.quit)
loader.start()
application.exec()
for module in (QtCore, QtGui, QtWidgets):
    for name in dir(module):
        getattr(module, name)
print(seen[0] == {m.__name__: len(vars(m)) for m in (QtCore, QtGui, QtWidgets)})
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "True", done.stderr

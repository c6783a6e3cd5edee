"""Ground of every test: no display, a home of its own, and nothing left running."""

import gc
import itertools
import os
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import settings

from gmstudio.system.garbage import collect_when_due

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
# Tests compute little at a time: a second thread of torch only waits, and for long where the cores are shared.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is not a failure, and the same tree passes or fails twice. HYPOTHESIS_PROFILE=explore looks further.
settings.register_profile("gmstudio", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gmstudio"))


# The plugin for families of other packages is installed with gmstudio, so that pytest would rewrite the assertions of
# all modules of the package, in every worker: half a minute of processor time. Only the laws are made of assertions.
def pytest_configure(config: pytest.Config) -> None:
    """Leave the assertions of the package as they are, but for those of the laws."""
    hook = config.pluginmanager.rewrite_hook
    rewritten = getattr(hook, "_must_rewrite", None)
    if isinstance(rewritten, set) and "gmstudio" in rewritten:
        rewritten.discard("gmstudio")
        hook.mark_rewrite("gmstudio.testing")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Keep the collector from going over all collected tests again and again, and from running in any thread.

    As in the window's process, widgets are collected by the thread that made them, here after each test.
    """
    gc.collect()
    gc.freeze()
    gc.disable()


POPUPS_OF_QT = ("QTipLabel", "QComboBoxPrivateContainer", "QWhatsThat")


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of folders to be made, one after the other.

    Numbered here: ``mktemp`` lists all folders that there are to find the next number, each time.
    """
    parent = tmp_path_factory.mktemp("homes")
    return (parent / f"home{number}" for number in itertools.count())


@pytest.fixture(autouse=True)
def home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which the studio keeps its runs and settings during one test, without ready models."""
    folder = next(homes)
    folder.mkdir()
    monkeypatch.setenv("GMSTUDIO_HOME", str(folder))
    monkeypatch.setenv("GMSTUDIO_EXAMPLES", str(folder / "no examples"))
    return folder


class QtWatch:
    """Remembers what a test starts in Qt, where it did so, and says what of it is still there.

    Args:
        monkeypatch: puts the recording versions of ``start`` and ``show`` in place for the length of the test.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._started: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._windows_before: list[Any] = []
        core, widgets = sys.modules.get("PySide6.QtCore"), sys.modules.get("PySide6.QtWidgets")
        if core is not None:
            for class_name in ("QThread", "QTimer", "QProcess"):
                self._record(monkeypatch, getattr(core, class_name), "start")
        if widgets is not None:
            self._record(monkeypatch, widgets.QWidget, "show")
            self._windows_before = self._windows()

    def _record(self, monkeypatch: pytest.MonkeyPatch, owner: type, method_name: str) -> None:
        original: Callable[..., Any] = getattr(owner, method_name)

        def recording(instance: Any, *args: Any, **kwargs: Any) -> Any:
            self._started[id(instance)] = (weakref.ref(instance), _caller())
            return original(instance, *args, **kwargs)

        monkeypatch.setattr(owner, method_name, recording)

    @staticmethod
    def _windows() -> list[Any]:
        """Top-level widgets that are nobody's child, without those that Qt makes for itself."""
        widgets = sys.modules.get("PySide6.QtWidgets")
        if widgets is None or widgets.QApplication.instance() is None:
            return []
        tops = widgets.QApplication.topLevelWidgets()
        return [w for w in tops if w.parent() is None and w.metaObject().className() not in POPUPS_OF_QT]

    def left_behind(self) -> list[str]:
        """One sentence for each thread, timer, process and window that outlived the test; ends them too."""
        core = sys.modules.get("PySide6.QtCore")
        if core is None:
            return []
        core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete.value)
        where = {key: place for key, (_, place) in self._started.items()}
        found = []
        for reference, place in self._started.values():
            sentence = _still_running(reference(), place)
            if sentence is not None:
                found.append(sentence)
        windows = self._new_windows()
        if windows:
            del windows
            gc.collect()  # what only a reference cycle keeps is not left behind
            windows = self._new_windows()
        for window in windows:
            place = where.get(id(window), "never shown")
            found.append(f"{_name(window)} is still open ({place}); give it to qtbot.addWidget or close it")
            window.deleteLater()
        return found

    def _new_windows(self) -> list[Any]:
        return [w for w in self._windows() if not any(w is old for old in self._windows_before)]


def _caller() -> str:
    """Place of the calling code outside this file and outside Qt: ``started at tests/…/x.py:12 in test_y``."""
    frames = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename != __file__:
            frames.append(frame)
        frame = frame.f_back
    ours = next((f for f in frames if "site-packages" not in f.f_code.co_filename), frames[0])
    return f"started at {ours.f_code.co_filename}:{ours.f_lineno} in {ours.f_code.co_name}"


def _name(instance: Any) -> str:
    return f"{type(instance).__name__} {instance.objectName()!r}"


def _still_running(instance: Any, place: str) -> str | None:
    """Say that a thread, timer or process still runs, and end it; None when it does not."""
    core, shiboken = sys.modules["PySide6.QtCore"], sys.modules["shiboken6"]
    if instance is None or not shiboken.isValid(instance):
        return None
    if isinstance(instance, core.QTimer) and instance.isActive():
        instance.stop()
        return f"{_name(instance)} is still active ({place})"
    if isinstance(instance, core.QThread) and instance.isRunning():
        instance.quit()
        instance.wait(1000)
        return f"{_name(instance)} is still running ({place})"
    if isinstance(instance, core.QProcess) and instance.state() != core.QProcess.ProcessState.NotRunning:
        instance.kill()
        instance.waitForFinished(1000)
        return f"{_name(instance)} is still running ({place})"
    return None


@pytest.fixture(autouse=True)
def nothing_left_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that leaves a running QThread, QTimer or QProcess, or an open window, and name where it started.

    Looks only when Qt has been imported.
    """
    watch = QtWatch(monkeypatch)
    yield
    collect_when_due()
    found = watch.left_behind()
    if found:
        pytest.fail("The test left behind: " + "; ".join(found), pytrace=False)


@pytest.fixture(autouse=True)
def styled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give widgets that a test shows by themselves the style sheet, which they have from their window else.

    One with a style sheet of its own keeps that.
    """
    if "qtbot" not in request.fixturenames:
        return
    from pytestqt.qtbot import QtBot

    from gmstudio.window.gui.theme import theme

    add = QtBot.addWidget

    def add_styled(qtbot: QtBot, widget: Any, **options: Any) -> None:
        add(qtbot, widget, **options)
        if widget.isWindow() and not widget.styleSheet():
            theme().style_window(widget)

    monkeypatch.setattr(QtBot, "addWidget", add_styled)

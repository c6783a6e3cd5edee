"""Preloading: slow first-time work is done in advance, a little in each turn of the event loop."""

import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import ModuleType

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from gmstudio.window.gui.forms.form_field import fields_of_every_kind
from gmstudio.window.gui.theme import icon_names, theme
from gmstudio.window.gui.widgets.formula import formulas
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs

TURN_MS = 2
PIECE_S = 0.002
LONGEST_WAIT_S = 20.0
"""After this time panels are built whatever is awaited."""
ROOM = 2000
"""Classes for which PySide's table of types has room beforehand: many more than the panels define."""

FIRST_FORMULA = r"\mathcal{L}_\theta = -\mathbb{E}\left[\sum_{i=1}^D \log p(x_i | x_{<i})\right]"


class Preloader(QObject):
    """Draws icons, creates a first field of each kind, loads modules, typesets a formula, then builds the panels.

    The first of each of these takes many times as long as later ones. Modules load in a thread: they only define
    classes and functions, and the largest takes a quarter of a second. PySide creates each of its classes at the first
    access, which two threads must not do at the same time, so all classes are accessed beforehand. Below Python 3.12 it
    keeps what belongs to a class in one table, which the event loop reads without a lock: where a class that a thread
    defines made the table larger, and so moved it, the window would crash. So it is made large beforehand.

    Args:
        modules: names of the modules to load.
        build: functions to call afterwards, one per turn; read one by one, when the ones before were called.
        waits: whether something arrives that the user waits for, so that nothing is built meanwhile.

    Signals:
        finished: all work is done.
    """

    finished = Signal()

    def __init__(
        self,
        modules: Sequence[str],
        build: Iterable[Callable[[], object]],
        parent: QObject,
        waits: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(parent)
        self._modules, self._build, self._waits = modules, build, waits
        self._complete = False
        self._steps = self._in_order()
        self._timer = QTimer(self, interval=TURN_MS)
        self._timer.timeout.connect(self._on_turn)

    def start(self) -> None:
        """Start; no effect when it runs already or is finished."""
        if not self._complete:
            self._timer.start()

    def _on_turn(self) -> None:
        if next(self._steps, self) is self:
            self._complete = True
            self._timer.stop()
            self.finished.emit()

    def _in_order(self) -> Iterator[None]:
        for name in icon_names():
            theme().icon(name)
            yield
        for form_field in fields_of_every_kind():
            form_field.deleteLater()
            yield
        yield from _settle(QtCore, QtGui, QtWidgets)
        yield from _make_room()
        loading = threading.Thread(target=_load, args=(self._modules,), name="modules")
        loading.start()
        while loading.is_alive():
            yield
        while formulas().svg(FIRST_FORMULA) is None:
            yield
        yield from self._built()

    def _built(self) -> Iterator[None]:
        waited_until = time.monotonic() + LONGEST_WAIT_S  # an engine that hangs never answers
        for build in self._build:
            while self._waits() and time.monotonic() < waited_until:
                yield
            build()
            yield


def panel_builders(
    names: Sequence[str], build: Callable[[str], object], panels: Mapping[str, QWidget]
) -> Iterator[Callable[[], object]]:
    """Yield a function that builds each panel, then one for each of their tabs that are not built yet.

    Args:
        names: of the panels.
        build: builds the panel of a name.
        panels: the panels that are built, by name.
    """
    for name in names:
        yield partial(build, name)
    for panel in tuple(panels.values()):
        for tabs in panel.findChildren(LazyTabs):
            for tab in tabs.tabs:
                if tab.name not in tabs.built:
                    yield partial(tabs.page, tab.name)


def _settle(*modules: ModuleType) -> Iterator[None]:
    """Make PySide create every class of these modules, a little in each turn."""
    began = time.perf_counter()
    for module in modules:
        for name in dir(module):
            getattr(module, name)
            if time.perf_counter() - began > PIECE_S:
                yield
                began = time.perf_counter()


def _make_room() -> Iterator[None]:
    """Make PySide's table of types large enough for all modules, a little in each turn; what is made is let go."""
    began = time.perf_counter()
    held = []  # all at once: each that is let go leaves the table
    for _ in range(ROOM if sys.version_info < (3, 12) else 0):
        held.append(type("Room", (QObject,), {}))
        if time.perf_counter() - began > PIECE_S:
            yield
            began = time.perf_counter()


def _load(modules: Sequence[str]) -> None:
    for name in modules:
        importlib.import_module(name)

"""The palette of the window: finds everything, is used by keys alone, and gives the focus back."""

import time
from collections.abc import Iterable, Iterator

import msgspec
import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot
from studio_fixture import WAIT_MS, StartStudio, start_studio, train, wait_ready
from toy_panels import PLACES as TOY_PLACES
from toy_panels import FirstPanel

from gmstudio.protocol.data_import import DataSetInfo
from gmstudio.protocol.images import ImageSpec
from gmstudio.window.gui.panels.data.panel import DataPanel
from gmstudio.window.gui.panels.train.panel import TrainPanel
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.gui.shell.palette.sources import NOT_NOW, plain
from gmstudio.window.gui.shell.preload import panel_builders
from gmstudio.window.gui.shell.settings import PALETTE, WindowSettings
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs
from gmstudio.window.state.data.state import DataState
from gmstudio.window.state.palette import PaletteEntry
from gmstudio.window.state.studio import Studio

__all__ = ["start_studio"]


def open_window(qtbot: QtBot, studio: Studio) -> MainWindow:
    window = MainWindow(studio, TOY_PLACES)
    qtbot.addWidget(window)
    for place in TOY_PLACES:
        window.build_panel(place.name)
    window.show()
    window.activateWindow()
    window.grab()  # the first painting of a process takes long, and is not what is measured here
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)
    return window


def press(window: MainWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window.focusWidget() or window, key, modifiers)


def open_palette(window: MainWindow) -> None:
    press(window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)


def listed(qtbot: QtBot, window: MainWindow) -> list[PaletteEntry]:
    popup = window._palette.popup
    qtbot.waitUntil(lambda: not popup.search.running, timeout=WAIT_MS)
    return popup.rows.entries


def type_words(qtbot: QtBot, window: MainWindow, words: str) -> list[PaletteEntry]:
    popup = window._palette.popup
    popup.field.clear()
    QTest.keyClicks(popup.field, words)
    return listed(qtbot, window)


def actions_of(menu: QMenu) -> Iterator[QAction]:
    for action in menu.actions():
        below = action.menu()
        if isinstance(below, QMenu):
            yield from actions_of(below)
        elif action.text():
            yield action


def test_it_is_used_by_keys_alone(qtbot: QtBot, start_studio: StartStudio) -> None:
    window = open_window(qtbot, start_studio())
    window.show_panel("second")
    open_palette(window)
    assert window._palette.popup.isVisible() and window.focusWidget() is window._palette.popup.field
    entries = type_words(qtbot, window, "play")
    assert (entries[0].title, entries[0].shortcut, entries[0].kind) == ("Play", "Space", "Action")
    press(window, Qt.Key.Key_Return)
    panel = window.findChild(FirstPanel, "first")
    assert panel is not None and panel.played == ["play"]
    assert window.panel == "first" and window._palette.popup.isHidden()


def test_escape_gives_the_focus_back(qtbot: QtBot, start_studio: StartStudio) -> None:
    window = open_window(qtbot, start_studio())
    panel = window.findChild(FirstPanel, "first")
    assert panel is not None
    panel.line.setFocus()
    open_palette(window)
    assert window.focusWidget() is window._palette.popup.field
    press(window, Qt.Key.Key_Escape)
    assert window.focusWidget() is panel.line and window._palette.popup.isHidden()
    open_palette(window)
    open_palette(window)
    assert window.focusWidget() is panel.line and window._palette.popup.isHidden()


def test_arrows_choose_while_the_text_is_typed(qtbot: QtBot, start_studio: StartStudio) -> None:
    window = open_window(qtbot, start_studio())
    open_palette(window)
    first, second = type_words(qtbot, window, "panel")[:2]
    press(window, Qt.Key.Key_Down)
    press(window, Qt.Key.Key_Return)
    assert (first.title, second.title) == ("First", "Second") and window.panel == "second"


def test_return_waits_for_what_was_typed_last(qtbot: QtBot, start_studio: StartStudio) -> None:
    window = open_window(qtbot, start_studio())
    open_palette(window)
    listed(qtbot, window)
    QTest.keyClicks(window._palette.popup.field, "second")
    press(window, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.panel == "second", timeout=WAIT_MS)


def test_the_focus_that_goes_elsewhere_stays_there(qtbot: QtBot, start_studio: StartStudio) -> None:
    window = open_window(qtbot, start_studio())
    panel = window.findChild(FirstPanel, "first")
    assert panel is not None
    open_palette(window)
    panel.line.setFocus()
    assert window._palette.popup.isHidden() and window.focusWidget() is panel.line


def test_what_cannot_be_done_says_why_and_does_nothing(qtbot: QtBot, start_studio: StartStudio) -> None:
    window = open_window(qtbot, start_studio())
    panel = window.findChild(FirstPanel, "first")
    assert panel is not None
    panel.allow(panel.play, "Nothing is loaded.")
    open_palette(window)
    entry = type_words(qtbot, window, "play")[0]
    assert entry.reason == "Nothing is loaded."
    press(window, Qt.Key.Key_Return)
    assert window._palette.popup.isVisible() and panel.played == []
    undo = next(e for e in type_words(qtbot, window, "undo") if e.title == "Undo")
    assert undo.reason == "There is no step to undo."


def test_the_last_one_comes_first_also_after_a_restart(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    window = open_window(qtbot, studio)
    open_palette(window)
    type_words(qtbot, window, "glossary")
    press(window, Qt.Key.Key_Return)
    assert window.panel == "help"
    window._settings.sync()
    assert WindowSettings().get(PALETTE) == ["action:window.glossary"]
    again = open_window(qtbot, studio)
    again._palette.toggle()
    assert listed(qtbot, again)[0].title == "Glossary"
    again._palette.toggle()


def test_runs_are_found_and_opened(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    window = open_window(qtbot, studio)
    train(qtbot, studio)
    open_palette(window)
    entries = [e for e in type_words(qtbot, window, "toy") if e.kind == "Run"]
    assert len(entries) == 1
    entries[0].run()
    qtbot.waitUntil(lambda: any(s.run for s in window._opener._states.values()), timeout=WAIT_MS)


def test_three_thousand_runs_do_not_hold_the_loop(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    window = open_window(qtbot, studio)
    train(qtbot, studio)
    known = studio.library.info(studio.library.live)
    assert known is not None
    for number in range(3000):
        info = msgspec.structs.replace(known, run=f"/runs/{number}", label=f"VAE · β = {number}", name="")
        studio.library._runs[info.run] = info
    search, pieces = window._palette.popup.search, []
    advance = search._advance

    def timed() -> None:
        began = time.thread_time()
        advance()
        pieces.append(time.thread_time() - began)

    search._timer.timeout.disconnect()
    search._timer.timeout.connect(timed)
    began = time.thread_time()
    window._palette.toggle()
    pieces.append(time.thread_time() - began)
    listed(qtbot, window)
    found = type_words(qtbot, window, "2999")
    assert found[0].title == "VAE · β = 2999"
    assert max(pieces) < 0.016 and len(pieces) > 3


class Demonstrations(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def palette_entries(self) -> Iterable[PaletteEntry]:
        yield PaletteEntry(
            "demo:blind", "Blind spot", "Demonstration", lambda: self.shown.append("blind"), panel="second"
        )


def test_panels_and_states_offer_entries_of_their_own(qtbot: QtBot, start_studio: StartStudio) -> None:
    window = open_window(qtbot, start_studio())
    source = Demonstrations()
    window._palette.add_source(source)
    window._palette.add_source(object())
    window._palette.add_source(source)
    open_palette(window)
    entries = type_words(qtbot, window, "demonstration blind")
    assert [e.title for e in entries] == ["Blind spot"]
    press(window, Qt.Key.Key_Return)
    assert source.shown == ["blind"] and window.panel == "second"


def test_it_fits_into_a_small_window(qtbot: QtBot, start_studio: StartStudio) -> None:
    window = open_window(qtbot, start_studio())
    open_palette(window)
    window.resize(window.minimumSize())
    assert window.rect().contains(window._palette.popup.geometry())
    press(window, Qt.Key.Key_Escape)


@pytest.fixture
def real_window(qtbot: QtBot, start_studio: StartStudio) -> MainWindow:
    studio = start_studio()
    wait_ready(qtbot, studio)
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    for build in panel_builders([place.name for place in PLACES], window.build_panel, window._panels):
        build()  # outside of the event loop, in which this is done panel by panel
    window.show()
    return window


def everything_is_found(real_window: MainWindow) -> None:
    entries = {entry.id: entry for entry in real_window._palette.entries()}
    titles = {entry.title for entry in entries.values()}
    for menu in real_window.menuBar().findChildren(QMenu):
        for action in actions_of(menu):
            if action.objectName() != "window.palette":
                assert f"action:{action.objectName()}" in entries, action.objectName()
    for name, panel in real_window._panels.items():
        for action in panel.listed_actions():
            if action.text():
                assert entries[action.objectName()].panel == name
    assert {place.title for place in PLACES} <= {e.title for e in entries.values() if e.kind == "Panel"}
    catalog = real_window._studio.library.catalog
    assert catalog is not None
    assert {f.card.title for f in catalog.families} <= {e.title for e in entries.values() if e.kind == "Family"}
    assert {d.title for d in catalog.data} <= {e.title for e in entries.values() if e.kind == "Data"}
    assert {"Start", "Rename", "Larger", "Sample continuations", "Find code", "Restart"} <= titles
    assert all(titles) and plain("Fit && go…") == "Fit & go"
    for entry in entries.values():
        assert entry.reason == "" or entry.reason.endswith((".", "…")), entry
        assert entry.reason != NOT_NOW, f"{entry.id} does not say why it is disabled: give add_action needs="


def imported_sets_are_found(real_window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = real_window._panels["data"]
    assert isinstance(panel, DataPanel)
    info = DataSetInfo(folder="/data/moths", name="Moths", size=120, image=ImageSpec(3, 32, 32, 256))
    panel._state.sets.sets = (info,)
    entries = [entry for entry in real_window._palette.entries() if entry.title == "Moths"]
    assert [(entry.kind, entry.panel) for entry in entries] == [("Data", "data")]
    assert "120 images" in entries[0].detail
    opened: list[str] = []
    monkeypatch.setattr(DataState, "open_set", lambda _state, folder: opened.append(folder))
    next(entry for entry in real_window._palette.entries() if entry.title == "Moths").run()
    assert opened == ["/data/moths"]


def an_action_opens_the_tab_of_its_button(real_window: MainWindow) -> None:
    panel = real_window._panels["latents"]
    (tabs,) = [tabs for tabs in panel.findChildren(LazyTabs) if "user_image" in [tab.name for tab in tabs.tabs]]
    tabs.build_all()
    tabs.show_page("traversal")
    action = next(a for a in panel.listed_actions() if a.objectName() == "action.latents.clear_canvas")
    action.setEnabled(True)
    panel.perform(action)
    assert tabs.open_page == "user_image"


def a_family_is_chosen_in_train(real_window: MainWindow) -> None:
    panel = real_window._panels["train"]
    assert isinstance(panel, TrainPanel)
    panel.sections.set_compact(True)
    panel.sections.open("shown")
    entry = next(e for e in real_window._palette.entries() if e.kind == "Family")
    real_window.show_panel("latents")
    real_window._palette._do(entry)
    assert real_window.panel == "train"
    assert entry.id == f"family:{panel._state.setup.family}"
    assert panel.sections.open_section == "new"


def test_all_of_the_real_window_is_found_and_done(real_window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one window, since building all of its panels is what takes long."""
    everything_is_found(real_window)
    an_action_opens_the_tab_of_its_button(real_window)
    a_family_is_chosen_in_train(real_window)
    imported_sets_are_found(real_window, monkeypatch)

"""Every step of every lesson finds its panel, its laboratory or ready model, and its controls in the window."""

import re
import time
from collections.abc import Iterator

import pytest
from labs_engine import LabsEngine, short_trainings
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from gmstudio.engine.catalog import build_catalog
from gmstudio.protocol.labs import OpenLab
from gmstudio.protocol.runs import RunsListed
from gmstudio.runs.examples import EXAMPLES_VARIABLE, examples_home
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.forms.editors import ChoiceEdit
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.shell.lessons.controls import find_control
from gmstudio.window.gui.shell.lessons.guide import LessonGuide
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.labs.state import LabsState
from gmstudio.window.state.lessons.lesson_text import Step
from gmstudio.window.state.lessons.state import TITLES, lessons
from gmstudio.window.state.studio import Studio

WAIT_MS = 20_000
PATIENCE_S = 3.0
BLOCK = re.compile(r"scene\.(?P<row>\d+)\.(?P<place>\d+)")


@pytest.fixture
def window(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """The window with the real catalog, of an engine that answers nothing."""
    monkeypatch.setattr(EngineClient, "_write", lambda _client, _command: None)
    monkeypatch.setattr(MainWindow, "_on_engine_changed", lambda _window: None)  # it would close without an engine
    studio = Studio(EngineClient(["never-started"]))
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    window.resize(1366, 768)
    with qtbot.waitSignal(window.completed, timeout=WAIT_MS):
        window.show()
    studio.client.deliver(build_catalog("cpu"))
    studio.client.deliver(RunsListed(home="/runs", runs=(), problems=()))
    yield window
    guide = window.findChild(LessonGuide)
    assert guide is not None
    guide.state.close()


def missing(qtbot: QtBot, window: MainWindow, wanted: list[str]) -> list[str]:
    """Those of the controls that are not in the window, after some time to build them."""
    left = [control for control in wanted if find_control(window, control) is None]
    until = time.monotonic() + PATIENCE_S
    while left and time.monotonic() < until:
        qtbot.wait(20)
        left = [control for control in left if find_control(window, control) is None]
    return left


def labs_of(window: MainWindow) -> LabsState:
    state = next(place for place in PLACES if place.name == "labs").state_in(window._studio)
    assert isinstance(state, LabsState)
    return state


def names(step: Step) -> list[str]:
    """Controls that a step names, but for blocks of scenes, which the engine makes."""
    highlights = [name for name in step.highlights if BLOCK.fullmatch(name) is None]
    return [*(setting.control for setting in step.settings), *highlights, *step.shows]


def blocks(step: Step) -> list[tuple[int, int]]:
    """Row and place of the blocks of a scene that a step outlines."""
    found = [BLOCK.fullmatch(name) for name in step.highlights]
    return [(int(match["row"]), int(match["place"])) for match in found if match is not None]


def wrong_in(qtbot: QtBot, window: MainWindow, step: Step) -> list[str]:
    """What the step that is open names and the window does not have."""
    wrong = [f"opens {window.panel}"] if window.panel != step.panel else []
    wrong += missing(qtbot, window, names(step))
    for name in step.shows:
        if not isinstance(find_control(window, name), QAbstractButton):
            wrong.append(f"{name} is no button")
    for setting in step.settings:
        control = find_control(window, setting.control)
        if isinstance(control, ChoiceEdit) and str(control.value) != str(setting.value):
            wrong.append(f"{setting.control} is {control.value}, not {setting.value}")
    work = labs_of(window).work
    if step.lab and work.entry is not None:
        strange = set(work.settings.config) - set(work.entry.config_schema["properties"])
        wrong += [f"{step.lab} got the setting {name} of another laboratory" for name in sorted(strange)]
    return wrong


def test_every_step_finds_what_it_names(qtbot: QtBot, window: MainWindow) -> None:
    guide = window.findChild(LessonGuide)
    assert guide is not None
    found = {}
    for name in TITLES:
        guide.state.open(name)
        for step in lessons()[name].steps:
            found[f"{name}: {step.title}"] = wrong_in(qtbot, window, step)
            guide.state.go(1)
    assert {step: wrong for step, wrong in found.items() if wrong} == {}
    later = Step("Later", "Text.", "labs", highlights=("labs.config.no_such_field",))
    assert "labs.config.no_such_field" in wrong_in(qtbot, window, later)


@pytest.mark.parametrize("name", TITLES)
def test_every_laboratory_and_ready_model_of_a_step_exists(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EXAMPLES_VARIABLE)
    labs = {entry.card.name for entry in build_catalog("cpu").labs}
    for step in lessons()[name].steps:
        assert not step.lab or step.lab in labs, step.title
        assert not step.family or (examples_home() / step.family / "run.json").is_file(), step.title


OUTLINED = [(name, step) for name in TITLES for step in lessons()[name].steps if blocks(step)]


@pytest.mark.slow
@pytest.mark.usefixtures(short_trainings.__name__)
@pytest.mark.parametrize(("name", "step"), OUTLINED, ids=[f"{name}: {step.title}" for name, step in OUTLINED])
def test_a_block_that_a_step_outlines_is_in_the_scene_of_its_laboratory(name: str, step: Step) -> None:
    config = {setting.control.removeprefix("labs.config."): setting.value for setting in step.settings}
    rows = LabsEngine().ask(OpenLab(name=step.lab, config=config)).scene.rows
    for row, place in blocks(step):
        assert place < len(rows[row]), (name, row, place)

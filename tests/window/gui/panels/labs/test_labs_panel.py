"""The Foundations panel on a fake engine: contents, page of a lab, its form, actions, notes, and export."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from labs_scene import LabsScene, lab, scene
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.protocol.engine import Cancel, Reason
from gmstudio.protocol.labs import ConfigureLab, EditLab, LabAction, OpenLab, RunLabAction
from gmstudio.protocol.scene_tables import scene_csv
from gmstudio.protocol.scenes import Scene
from gmstudio.window.gui.panels.labs import export as export_module
from gmstudio.window.gui.panels.labs.panel import NARROW, LabsPanel
from gmstudio.window.gui.shell.page import PanelPage
from gmstudio.window.state.labs import work
from gmstudio.window.state.lessons.state import TITLES


@pytest.fixture
def labs(qtbot: QtBot) -> LabsScene:
    labs = LabsScene()
    return labs


@pytest.fixture
def panel(qtbot: QtBot, labs: LabsScene) -> Iterator[LabsPanel]:
    panel = LabsPanel(labs.state, labs.library)
    page = PanelPage(panel)
    qtbot.addWidget(page)
    page.resize(1290, 690)
    page.show()
    labs.start()
    labs.open()
    yield panel
    page.hide()


def control(panel: LabsPanel, name: str) -> QWidget:
    found = panel.findChild(QWidget, f"labs.{name}")
    assert found is not None, name
    return found


def click(qtbot: QtBot, panel: LabsPanel, name: str) -> None:
    qtbot.mouseClick(control(panel, name), Qt.MouseButton.LeftButton)


def places(panel: LabsPanel) -> dict[str, tuple[int, int, int, int]]:
    """Geometry of all that is fixed on the page."""
    QApplication.processEvents()
    widgets = {
        "scene": panel.page.scene,
        "form": panel.page.settings,
        "title": panel.page.title,
        "formula": panel.page.formula,
        "note": panel.page.note,
        "stop": control(panel, "stop"),
        "draw": control(panel, "action.draw"),
        "list": panel.contents.list,
    }
    found = {}
    for name, widget in widgets.items():
        corner = widget.mapTo(panel, QPoint(0, 0))
        found[name] = (corner.x(), corner.y(), widget.width(), widget.height())
    return found


def test_the_page_has_title_question_formula_form_and_actions(panel: LabsPanel) -> None:
    page = panel.page
    assert page.title.words == "First" and page.question.words == "What does first show?"
    assert page.formula.latex == r"p(x) = \frac{1}{2}"
    assert control(panel, "config.spread").isVisible() and control(panel, "config.draws").isVisible()
    assert control(panel, "action.draw").accessibleName() == "Draw"
    assert control(panel, "action.draw_many").toolTip().startswith("Draw often.")
    assert page.scene.width() * page.scene.height() > 0.4 * panel.width() * panel.height()


def test_typing_applies_live_with_validation_beside_the_field(qtbot: QtBot, panel: LabsPanel, labs: LabsScene) -> None:
    assert panel.page.settings.form is not None
    editor = panel.page.settings.form.fields["spread"].editor
    editor.set_value(3.0)
    assert labs.last(ConfigureLab).config == {"spread": 3.0, "draws": 5}
    sent = len(labs.sent())
    editor.lineEdit().selectAll()  # type: ignore[union-attr]
    qtbot.keyClicks(editor, "77")
    assert len(labs.sent()) == sent
    error = control(panel, "config.spread.error")
    assert "Spread is 77; it must be a number above 0 and at most 10." in error.text()  # type: ignore[attr-defined]


def test_a_refusal_of_the_engine_stands_beside_its_field(panel: LabsPanel, labs: LabsScene) -> None:
    assert panel.page.settings.form is not None
    panel.page.settings.form.fields["spread"].editor.set_value(9.0)
    labs.fail(labs.last(ConfigureLab), "Too much.", Reason.BAD_SETTING, spread="Spread is 9 with 5 draws.")
    assert control(panel, "config.spread.error").text() == "Spread is 9 with 5 draws."  # type: ignore[attr-defined]
    assert panel.page.note.words == "Too much." and panel.page.note.property("role") == "error"


def test_an_action_runs_shows_its_progress_and_stops(qtbot: QtBot, panel: LabsPanel, labs: LabsScene) -> None:
    click(qtbot, panel, "action.draw_many")
    command = labs.last(RunLabAction)
    assert command.action == "draw_many" and control(panel, "stop").isEnabled()
    labs.show(command, shown=scene("Draw 3 of 9", 0.4), done=False)
    assert panel.page.stage.words == "Draw 3 of 9" and panel.page.progress.value() == 400
    assert panel.page.progress.isVisible()
    click(qtbot, panel, "stop")
    assert labs.last(Cancel).target == command.request and not control(panel, "stop").isEnabled()
    labs.open()
    assert "Stopped" in panel.page.note.words and not panel.page.progress.isVisible()


def test_the_focus_waits_at_the_scene_while_an_action_takes_long(
    qtbot: QtBot, panel: LabsPanel, labs: LabsScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "LENGTHY_S", 0.0)
    button = control(panel, "action.draw_many")
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Space)
    command = labs.last(RunLabAction)
    labs.show(command, shown=scene("Draw 3 of 9", 0.4), done=False)
    assert not button.isEnabled() and panel.page.scene.hasFocus()
    labs.show(command)
    assert button.isEnabled() and button.hasFocus()


def test_clicks_during_a_short_action_follow_it(qtbot: QtBot, panel: LabsPanel, labs: LabsScene) -> None:
    click(qtbot, panel, "action.draw")
    click(qtbot, panel, "action.draw")
    assert len(labs.sent(RunLabAction)) == 1
    labs.show(labs.last(RunLabAction))
    assert len(labs.sent(RunLabAction)) == 2


def test_digits_are_the_keys_of_the_actions(qtbot: QtBot, panel: LabsPanel, labs: LabsScene) -> None:
    panel.setFocus()
    qtbot.keyClick(panel, Qt.Key.Key_2)
    assert labs.last(RunLabAction).action == "draw_many"
    listed = {action.text(): action.shortcut().toString() for action in panel.listed_actions()}
    assert listed["Draw 10,000"] == "2" and listed["Reset"] == "Ctrl+Backspace"


def test_a_dragged_input_goes_to_the_engine(panel: LabsPanel, labs: LabsScene) -> None:
    panel.page.scene.input_edited.emit("points", np.ones((2, 2)))
    assert labs.last(EditLab).input == "points" and labs.last(EditLab).values.numpy().all()


def test_nothing_moves_when_scenes_notes_and_refusals_come(panel: LabsPanel, labs: LabsScene) -> None:
    before = places(panel)
    labs.state.edit("points", np.ones((2, 2)))
    labs.show(labs.last(EditLab), note="A long note " * 40, shown=scene("Stage " * 60, 0.5))
    assert places(panel) == before
    labs.state.work.act("draw")
    labs.show(labs.last(RunLabAction), shown=scene("", 0.9), done=False)
    assert places(panel) == before
    labs.fail(labs.last(RunLabAction), "It failed. " * 30)
    assert places(panel) == before


def test_other_random_numbers_and_reset(qtbot: QtBot, panel: LabsPanel, labs: LabsScene) -> None:
    click(qtbot, panel, "other")
    assert labs.last(OpenLab).seed == 1 and labs.last(OpenLab).fresh
    labs.open()
    seed = panel.page.settings.seed
    assert seed.value() == 1
    seed.setValue(12)
    assert labs.last(OpenLab).seed == 12
    labs.open()
    click(qtbot, panel, "reset")
    assert labs.last(OpenLab).seed == 0 and labs.last(OpenLab).config == {}


def test_undo_and_redo_act_on_settings(panel: LabsPanel, labs: LabsScene) -> None:
    assert panel.page.settings.form is not None
    panel.page.settings.form.fields["draws"].editor.set_value(7)
    labs.show(labs.last(ConfigureLab))
    panel.undo.undo()
    assert labs.last(ConfigureLab).config["draws"] == 5
    labs.show(labs.last(ConfigureLab))
    assert panel.page.settings.form.values()["draws"] == 5
    panel.undo.redo()
    assert labs.last(ConfigureLab).config["draws"] == 7


def test_the_contents_show_numbers_titles_and_questions(qtbot: QtBot, panel: LabsPanel, labs: LabsScene) -> None:
    texts = [panel.contents.list.item(row).text() for row in range(panel.contents.list.count())]
    assert texts[:3] == ["Laboratories", "1  First", "2  Second"]
    panel.contents.list.setFocus()
    qtbot.keyClick(panel.contents.list, Qt.Key.Key_Down)
    assert labs.last(OpenLab).name == "second" and panel.page.title.words == "Second"


def test_tab_goes_from_top_to_bottom_also_in_another_lab(panel: LabsPanel, labs: LabsScene) -> None:
    for name in ("first", "second", "first"):
        labs.state.select(name)
        labs.open()
        names = []
        widget = panel.contents.list.nextInFocusChain()
        while widget is not None and widget is not panel.contents.list:
            names.append(widget.objectName())
            widget = widget.nextInFocusChain()
        wanted = ["action.draw", "action.draw_many", "seed", "other", "reset", "config.spread", "config.draws", "scene"]
        places = [names.index(f"labs.{name}") for name in wanted]
        assert places == sorted(places)


def test_nothing_is_offered_before_the_engine_has_started(qtbot: QtBot) -> None:
    """Lessons alone would move down when the laboratories come."""
    labs = LabsScene()
    panel = LabsPanel(labs.state, labs.library)
    qtbot.addWidget(panel)
    assert panel.contents.list.count() == 0 and panel.page.stage.words == "The engine is starting …"
    labs.start()
    assert panel.contents.list.item(0).text() == "Laboratories" and panel.page.stage.words == "Preparing …"


def test_a_lesson_is_opened_by_the_window(panel: LabsPanel, labs: LabsScene) -> None:
    wanted: list[str] = []
    panel.lesson_wanted.connect(wanted.append)
    titles = {panel.contents.list.item(row).text(): row for row in range(panel.contents.list.count())}
    panel.contents.list.setCurrentRow(titles[TITLES["likelihood"]])
    assert wanted == ["likelihood"] and panel.contents.list.currentItem().text() == "1  First"
    assert labs.state.page == "first"


def test_another_lab_has_its_own_form_and_buttons(qtbot: QtBot) -> None:
    other = msgspec.structs.replace(lab("other"), actions=(LabAction(name="fit", title="Fit", help="Fit."),))
    labs = LabsScene(lab("first"), other)
    panel = LabsPanel(labs.state, labs.library)
    qtbot.addWidget(panel)
    labs.start()
    labs.open()
    labs.state.select("other")
    names = [button.objectName() for button in panel.page.settings.buttons.widgets]
    assert names == ["labs.action.fit"]
    assert [a.text() for a in panel.listed_actions() if a.objectName().startswith("action.labs.act_")] == ["Fit", ""]


def test_a_narrow_panel_has_a_combo_box_for_its_contents(qtbot: QtBot, panel: LabsPanel, labs: LabsScene) -> None:
    page = panel.parentWidget().parentWidget()
    assert page is not None
    page.resize(QSize(NARROW - 112, 441))
    QApplication.processEvents()
    assert not panel.contents.isVisible() and panel.contents.combo.isVisible()
    assert panel.page.scene.width() > 0.68 * panel.width() and panel.page.scene.height() > 200
    assert panel.page.title.isHidden() and panel.contents.combo.parent() is panel.page
    assert page.verticalScrollBar().maximum() == page.horizontalScrollBar().maximum() == 0  # type: ignore[attr-defined]
    panel.contents.combo.activated.emit(panel.contents.combo.findData("second"))
    assert labs.last(OpenLab).name == "second"


def test_presentation_leaves_the_scene(panel: LabsPanel) -> None:
    width = panel.page.scene.width()
    panel.set_presenting(True)
    QApplication.processEvents()
    assert panel.page.scene.width() > width + 300 and not panel.page.settings.isVisible()
    panel.set_presenting(False)
    QApplication.processEvents()
    assert panel.page.scene.width() == width


def test_numbers_are_exported_with_their_provenance(
    qtbot: QtBot, panel: LabsPanel, labs: LabsScene, tmp_path: Path
) -> None:
    labs.state.set_config({"spread": 2.0, "draws": 5}, {})
    labs.show(labs.last(ConfigureLab))
    panel._export.ask()
    dialog = panel.findChild(QFileDialog)
    assert dialog is not None and dialog.objectName() == "save_dialog"
    path = tmp_path / "numbers.csv"
    with qtbot.waitSignal(panel._export.written):
        dialog.fileSelected.emit(str(path))
    dialog.close()
    lines = path.read_text().splitlines()
    assert "# Lab: first" in lines and '# Settings: {"spread": 2.0, "draws": 5}' in lines and "# Seed: 0" in lines
    assert any("mean" in line and "0.5" in line for line in lines if not line.startswith("#"))


def test_the_numbers_are_written_beside_the_event_loop(
    qtbot: QtBot, panel: LabsPanel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    threads: list[threading.Thread] = []

    def recorded(shown: Scene) -> str:
        threads.append(threading.current_thread())
        return scene_csv(shown)

    monkeypatch.setattr(export_module, "scene_csv", recorded)
    panel._export.ask()
    dialog = panel.findChild(QFileDialog)
    assert dialog is not None
    with qtbot.waitSignal(panel._export.written):
        dialog.fileSelected.emit(str(tmp_path / "numbers.csv"))
    dialog.close()
    assert len(threads) == 1 and threads[0] is not threading.main_thread()


def test_the_scene_is_copied_as_a_picture(panel: LabsPanel) -> None:
    panel._copy()
    image = QGuiApplication.clipboard().image()
    assert image.width() >= panel.page.scene.widget().width() and not image.isNull()


def test_a_lab_with_families_offers_runs(qtbot: QtBot) -> None:
    labs = LabsScene(lab("bound", families=("vae",)))
    panel = LabsPanel(labs.state, labs.library)
    qtbot.addWidget(panel)
    labs.start()
    chooser = control(panel, "model.vae")
    assert chooser.itemText(0) == "No model yet: the lab trains its own"  # type: ignore[attr-defined]

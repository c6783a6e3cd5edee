"""The Library page: what is listed, in which order, and what is chosen."""

from collections.abc import Iterator

import msgspec
import pytest
from history_text import undo_text
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot
from runs_scene import BRANCH, CNN, EXAMPLE, FAILED, FLOW, OLD, RUNS, VAE, RunsScene

from gmstudio.protocol.runs import AnnotateRun, RestoreRun, RunDescribed, RunsListed, RunTrashed, TrashRun
from gmstudio.window.gui.note_dialog import NoteDialog
from gmstudio.window.gui.panels.runs.library import NO_RUNS, READING, LibraryPage
from gmstudio.window.gui.panels.runs.library_columns import COLUMNS
from gmstudio.window.gui.panels.runs.panel import RunsPanel
from gmstudio.window.state.runs.listed import ListedRuns

NUMBER = {column.name: number for number, column in enumerate(COLUMNS)}


@pytest.fixture
def scene() -> RunsScene:
    return RunsScene()


@pytest.fixture
def panel(qtbot: QtBot, scene: RunsScene) -> Iterator[RunsPanel]:
    panel = RunsPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    panel.resize(1290, 640)
    panel.show()
    scene.start()
    qtbot.waitUntil(lambda: bool(library(panel).table.runs))
    yield panel
    panel.hide()


def library(panel: RunsPanel) -> LibraryPage:
    page = panel.tabs.page("library")
    assert isinstance(page, LibraryPage)
    return page


def listed(page: LibraryPage) -> list[str]:
    return [info.run for info in page.table.runs]


def cell(page: LibraryPage, run: str, column: str) -> str:
    return str(page.table.index(page.table.row_of(run), NUMBER[column]).data())


def test_the_library_lists_starred_runs_then_the_newest_then_examples(panel: RunsPanel) -> None:
    assert listed(library(panel)) == [FLOW, CNN, VAE, BRANCH, FAILED, EXAMPLE]


def test_a_list_that_is_still_being_read_shows_what_has_arrived(
    panel: RunsPanel, scene: RunsScene, qtbot: QtBot
) -> None:
    page = library(panel)
    names = [f"2026-01-0{number + 1}-vae-01" for number in range(4)]
    infos = [msgspec.structs.replace(RUNS[0], run=name, created=name) for name in names]
    page._state._while_reading.setInterval(0)
    for info, left in zip(infos[:3], (3, 2, 1), strict=True):
        scene.client.deliver(RunsListed(request=77, home="", runs=(info,), problems=(), left=left, last=False))
    qtbot.waitUntil(lambda: page.filters.count == "90 % read")
    assert set(names[:3]) < set(listed(page))
    scene.client.deliver(RunsListed(request=77, home="/runs", runs=(infos[3],), problems=()))
    qtbot.waitUntil(lambda: set(listed(page)) == set(names) and page.filters.count == "4 runs")


def test_a_search_lists_what_fulfils_it(panel: RunsPanel, scene: RunsScene) -> None:
    page = library(panel)
    page.filters.search.setText("family:vae -is:example")
    assert listed(page) == [VAE, BRANCH] and page.filters.count == "2 of 7 runs"
    page.filters.search.setText("no such word")
    assert listed(page) == [] and page._empty.isVisible()
    page.filters.search.clear()
    page.filters.archived.trigger()
    assert listed(page) == [FLOW, CNN, VAE, BRANCH, FAILED, OLD, EXAMPLE]


def test_filters_offer_what_runs_have_and_keep_the_others_out(panel: RunsPanel, scene: RunsScene) -> None:
    page = library(panel)
    box = page.filters.boxes["data"]
    assert [box.itemText(place) for place in range(box.count())] == ["All data", "Digits 8×8", "Shapes 16×16"]
    box.setCurrentIndex(2)
    box.activated.emit(2)
    assert listed(page) == [BRANCH]
    scene.state.page(ListedRuns).set_filter("data", "")
    scene.state.page(ListedRuns).set_filter("tag", "thesis")
    assert listed(page) == [CNN] and box.currentIndex() == 0
    scene.state.page(ListedRuns).set_filter("status", "failed")
    assert listed(page) == []


def test_bits_are_sorted_and_marked_within_the_same_images(panel: RunsPanel) -> None:
    page = library(panel)
    page.view.sort_by(NUMBER["bits"], False)
    assert listed(page) == [EXAMPLE, CNN, VAE, FLOW, FAILED, BRANCH]
    page.view.sort_by(NUMBER["bits"], True)
    assert listed(page) == [FLOW, VAE, CNN, EXAMPLE, FAILED, BRANCH]
    assert [cell(page, run, "bits") for run in (CNN, VAE, FAILED)] == ["1.250", "≤ 1.500", ""]
    best = [info.run for info in page.table.runs if page.table.is_best(info)]
    assert best == [EXAMPLE], "the only run on other images is best of nothing"


def test_the_third_click_on_a_header_returns_to_the_order_of_the_library(panel: RunsPanel) -> None:
    page = library(panel)
    first = listed(page)
    for expected in (sorted(first, key=lambda r: ("Wide" if r == VAE else r).casefold()), None, first):
        page.view._on_clicked(NUMBER["name"])
        assert expected is None or listed(page) == expected


def test_what_is_chosen_stays_chosen_when_rows_move(panel: RunsPanel, scene: RunsScene) -> None:
    page = library(panel)
    scene.state.choose_run(VAE)
    assert [index.row() for index in page.view.selectionModel().selectedRows()] == [2]
    page.view.sort_by(NUMBER["bits"], False)
    state = scene.state.page(ListedRuns)
    assert state.chosen == (VAE,) and page.view.currentIndex().row() == page.table.row_of(VAE)
    page.view.selectAll()
    assert len(state.chosen) == 6 and scene.state.run == VAE


def test_columns_are_as_they_were(qtbot: QtBot, panel: RunsPanel, scene: RunsScene) -> None:
    view = library(panel).view
    view.show_column(NUMBER["seed"], True)
    view.show_column(NUMBER["note"], False)
    view.header().moveSection(view.header().visualIndex(NUMBER["seed"]), 1)
    view.header().resizeSection(NUMBER["data"], 222)
    view.sort_by(NUMBER["step"], True)
    again = RunsScene()
    again.state.restore_choices(scene.state.choices())
    other = RunsPanel(again.state, again.library)
    qtbot.addWidget(other)
    restored = library(other).view
    assert restored.header().visualIndex(NUMBER["seed"]) == 1 and restored.columnWidth(NUMBER["data"]) == 222
    assert restored.isColumnHidden(NUMBER["note"]) and not restored.isColumnHidden(NUMBER["seed"])
    assert (library(other).table.column, library(other).table.descending) == (NUMBER["step"], True)


def test_columns_kept_by_another_program_are_passed_over(qtbot: QtBot) -> None:
    scene = RunsScene()
    layout = {"order": ["bits", "nothing", 3], "hidden": 7, "widths": {"data": "wide", "bits": -4}, "sort": ["step"]}
    scene.state.restore_choices({"pages": {"library": {"layout": layout}}})
    panel = RunsPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    view = library(panel).view
    assert view.header().visualIndex(NUMBER["bits"]) == 0 and view.columnWidth(NUMBER["data"]) > 0


def test_a_run_that_changes_is_drawn_again_in_its_row(qtbot: QtBot, panel: RunsPanel, scene: RunsScene) -> None:
    page = library(panel)
    changed = msgspec.structs.replace(RUNS[2], name="Narrow")
    with qtbot.waitSignal(page.table.dataChanged):
        scene.client.deliver(RunDescribed(info=changed))
    assert cell(page, VAE, "name") == "Narrow" and listed(page)[2] == VAE


def annotated(scene: RunsScene) -> list[tuple[str, dict[str, object]]]:
    """Changes that were sent since the last call, applied as an engine does."""
    found = []
    for command in [c for c in scene.client.sent if isinstance(c, AnnotateRun)]:
        scene.client.sent.remove(command)
        fields = {
            name: value
            for name in ("name", "note", "starred", "tags", "archived")
            if (value := getattr(command, name)) is not None
        }
        info = scene.library.info(command.run)
        assert info is not None
        scene.client.deliver(RunDescribed(request=command.request, info=msgspec.structs.replace(info, **fields)))
        found.append((command.run, fields))
    return found


def test_actions_act_on_all_chosen_runs_and_are_undone_as_one(qtbot: QtBot, panel: RunsPanel, scene: RunsScene) -> None:
    actions, state = library(panel).actions_row, scene.state.page(ListedRuns)
    state.choose((CNN, VAE, EXAMPLE), CNN)
    actions.star.trigger()
    assert annotated(scene) == [(CNN, {"starred": True}), (VAE, {"starred": True})]
    qtbot.waitUntil(lambda: actions.star.text() == "Remove star")
    assert undo_text(panel) == "Star"
    panel.undo.undo()
    assert annotated(scene) == [(CNN, {"starred": False}), (VAE, {"starred": False})]
    panel.undo.redo()
    assert len(annotated(scene)) == 2
    actions.archive.trigger()
    assert annotated(scene) == [(CNN, {"archived": True}), (VAE, {"archived": True})]


def test_tags_are_checked_in_a_menu_and_typed(qtbot: QtBot, panel: RunsPanel, scene: RunsScene) -> None:
    actions, state = library(panel).actions_row, scene.state.page(ListedRuns)
    state.choose((CNN, VAE), CNN)
    menu = actions.tag_menu()
    field, thesis = menu.findChild(QLineEdit), next(a for a in menu.actions() if a.text() == "thesis")
    assert not thesis.isChecked(), "one of both has it"
    thesis.trigger()
    assert annotated(scene) == [(VAE, {"tags": ("thesis",)})]
    field.setText("new one, thesis ,new  one")
    field.returnPressed.emit()
    assert [fields["tags"][-1] for _run, fields in annotated(scene)] == ["new one", "new one"]  # type: ignore[index]


def test_cells_are_edited_in_place(panel: RunsPanel, scene: RunsScene) -> None:
    page = library(panel)

    def edit(column: str, text: str) -> None:
        index = page.table.index(page.table.row_of(VAE), NUMBER[column])
        assert page.table.flags(index) & Qt.ItemFlag.ItemIsEditable
        page.table.setData(index, text)

    edit("name", " Narrow ")
    edit("tags", "b, a,, b")
    edit("note", "Sharp.")
    found = {name: value for _run, fields in annotated(scene) for name, value in fields.items()}
    assert found == {"name": "Narrow", "tags": ("b", "a"), "note": "Sharp.\nTry a smaller β."}
    edit("name", VAE)
    assert annotated(scene) == [(VAE, {"name": ""})], "its label is no name"
    example = page.table.index(page.table.row_of(EXAMPLE), NUMBER["name"])
    assert not page.table.flags(example) & Qt.ItemFlag.ItemIsEditable


def test_runs_are_moved_to_the_trash_and_brought_back(panel: RunsPanel, scene: RunsScene) -> None:
    actions, state = library(panel).actions_row, scene.state.page(ListedRuns)
    state.choose((VAE, BRANCH), VAE)
    actions.trash.trigger()
    commands = [c for c in scene.client.sent if isinstance(c, TrashRun)]
    assert [c.run for c in commands] == [VAE, BRANCH]
    for command in commands:
        scene.client.deliver(RunTrashed(request=command.request, run=command.run, place=f"/trash/{command.run}"))
    panel.undo.undo()
    restored = [c for c in scene.client.sent if isinstance(c, RestoreRun)]
    assert {(c.run, c.place) for c in restored} == {(VAE, f"/trash/{VAE}"), (BRANCH, f"/trash/{BRANCH}")}


def test_chosen_runs_are_compared(panel: RunsPanel, scene: RunsScene) -> None:
    scene.state.page(ListedRuns).choose((CNN, VAE, FLOW), CNN)
    library(panel).actions_row.compare.trigger()
    assert scene.state.compared == (CNN, VAE, FLOW) and panel.tabs.open_page == "compare"


def test_examples_cannot_be_changed_and_say_so(panel: RunsPanel, scene: RunsScene) -> None:
    scene.state.page(ListedRuns).choose((EXAMPLE,), EXAMPLE)
    actions = library(panel).actions_row
    assert not actions.trash.isEnabled() and "Examples" in panel.reason(actions.trash)
    assert actions.compare.isEnabled()


def test_an_empty_table_says_whether_the_list_has_arrived(qtbot: QtBot, scene: RunsScene) -> None:
    panel = RunsPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    page = library(panel)
    assert (page._empty.text(), page.filters.count) == (READING, "")
    scene.start(())
    qtbot.waitUntil(lambda: page._empty.text() == NO_RUNS)
    assert page.filters.count == "0 runs"


def test_the_whole_note_of_the_run_that_is_shown_is_written(panel: RunsPanel, scene: RunsScene) -> None:
    page = library(panel)
    scene.state.choose_run(EXAMPLE)
    assert not page.actions_row.note.isEnabled()
    scene.state.choose_run(VAE)
    page.view.setFocus()
    QTest.keyClick(page.view, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)  # in the table, too
    (dialog,) = panel.findChildren(NoteDialog)
    text = dialog.findChild(QPlainTextEdit)
    assert text is not None and text.toPlainText() == "Blurred.\nTry a smaller β." and not dialog.isModal()
    text.setPlainText("Sharp.\n\nWith β = 0.5.\n")
    dialog.accept()
    assert scene.client.last(AnnotateRun).note == "Sharp.\n\nWith β = 0.5."
    panel.undo.undo()
    assert scene.client.last(AnnotateRun).note == "Blurred.\nTry a smaller β."


def test_the_time_trained_is_a_column(qtbot: QtBot, panel: RunsPanel, scene: RunsScene) -> None:
    page = library(panel)
    scene.list(tuple(msgspec.structs.replace(info, trained_s=65.0 if info.run == VAE else None) for info in RUNS))
    qtbot.waitUntil(lambda: cell(page, VAE, "trained") != "")
    page.view.sort_by(NUMBER["trained"], True)
    assert (listed(page)[0], cell(page, VAE, "trained"), cell(page, CNN, "trained")) == (VAE, "1 min 05 s", "")

"""What is beside the table of the Library page: the trash, and the details of the run that is shown."""

from collections.abc import Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from runs_scene import FLOW, VAE, RunsScene

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import Done
from gmstudio.protocol.runs import RestoreRun
from gmstudio.protocol.runs_details import CheckpointEntry, DetailsRead, DuplicateRun, LogEntry, ReadDetails
from gmstudio.protocol.runs_trash import EmptyTrash, ListTrash, TrashedRun, TrashListed
from gmstudio.window.gui.panels.runs.library import LibraryPage
from gmstudio.window.gui.panels.runs.panel import RunsPanel
from gmstudio.window.state.runs.listed import ListedRuns

TRASHED = tuple(
    TrashedRun(
        run=name, place=f"/trash/{name}", title=name.upper(), family="vae", data="digits", step=10,
        created="2026-01-02T00:00:00+00:00", size_bytes=1_500_000,
    )
    for name in ("a", "b")
)  # fmt: skip


@pytest.fixture
def scene() -> RunsScene:
    scene = RunsScene()
    scene.answers[ListTrash] = lambda c: [TrashListed(request=c.request, runs=TRASHED, folder="/trash")]
    scene.answers[EmptyTrash] = lambda c: [TrashListed(request=c.request, runs=(), folder="/trash")]
    scene.answers[ReadDetails] = lambda c: [_details(c)]
    return scene


@pytest.fixture
def page(qtbot: QtBot, scene: RunsScene) -> Iterator[LibraryPage]:
    panel = RunsPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    panel.resize(1290, 640)
    panel.show()
    scene.start()
    found = panel.tabs.page("library")
    assert isinstance(found, LibraryPage)
    qtbot.waitUntil(lambda: bool(found.table.runs))
    yield found
    panel.hide()


def _details(command: ReadDetails) -> DetailsRead:
    return DetailsRead(
        request=command.request, run=command.run, term="loss", curves=(),
        samples=Array.of(np.zeros((4, 1, 8, 8), np.uint8)), sample_step=10, sample_kind="samples",
        events=(LogEntry(step=3, time="", kind="warning", text="It <was> slow."),),
        checkpoints=(CheckpointEntry(step=10, size_bytes=2_000_000, latest=True, kept=True),),
        size_bytes=3_500_000, device="cpu", versions={"torch": "2.13"},
    )  # fmt: skip


def test_the_trash_takes_the_place_of_the_table_and_gives_runs_back(page: LibraryPage, scene: RunsScene) -> None:
    page.filters.trash.trigger()
    scene.serve()
    trash = page.trash
    assert trash.isVisible() and not page.view.isVisible() and not page.actions_row.isVisible()
    assert trash.view.model().rowCount() == 2
    assert trash.sentence == "2 runs, 3.0 MB, in /trash"
    assert not trash.restore.isEnabled()
    trash.view.setCurrentIndex(trash.view.model().index(1, 0))
    trash.restore.trigger()
    (restored,) = (c for c in scene.client.sent if isinstance(c, RestoreRun))
    assert (restored.run, restored.place) == ("b", "/trash/b")
    page.filters.trash.trigger()
    assert page.view.isVisible() and not trash.isVisible()


def test_the_trash_is_emptied_only_after_a_sentence_on_what_is_deleted(page: LibraryPage, scene: RunsScene) -> None:
    page.filters.trash.trigger()
    scene.serve()
    trash = page.trash
    assert not trash.confirm.isEnabled()
    trash.empty.trigger()
    assert trash.sentence == "2 runs with 3.0 MB will be deleted from the disk and cannot be brought back."
    assert not any(isinstance(command, EmptyTrash) for command in scene.client.sent)
    trash.keep.trigger()
    assert not trash.confirm.isEnabled()
    trash.empty.trigger()
    trash.confirm.trigger()
    (emptied,) = (c for c in scene.client.sent if isinstance(c, EmptyTrash))
    assert emptied.places == ("/trash/a", "/trash/b")
    scene.serve()
    assert trash.view.model().rowCount() == 0 and not trash.empty.isEnabled()


def test_details_show_the_run_that_is_chosen(qtbot: QtBot, page: LibraryPage, scene: RunsScene) -> None:
    scene.state.page(ListedRuns).choose((VAE,), VAE)

    def is_shown() -> bool:
        scene.serve()
        return "It <was> slow." in page.details.texts["events"].toPlainText()

    qtbot.waitUntil(is_shown)
    details = page.details
    files = details.texts["checkpoints"].toPlainText()
    assert "has 3.5 MB" in files and "step 10 · 2.0 MB · newest, kept" in files
    assert details.explore.isEnabled() and details.duplicate.isEnabled()
    scene.state.page(ListedRuns).choose((FLOW,), FLOW)
    assert "It <was> slow." not in details.texts["events"].toPlainText(), "what is of another run is not shown"


def test_a_run_is_duplicated_once(page: LibraryPage, scene: RunsScene) -> None:
    scene.state.page(ListedRuns).choose((VAE,), VAE)
    page.details.duplicate.trigger()
    assert not page.details.duplicate.isEnabled()
    (command,) = (c for c in scene.client.sent if isinstance(c, DuplicateRun))
    assert command.run == VAE
    scene.client.deliver(Done(request=command.request))
    assert page.details.duplicate.isEnabled()

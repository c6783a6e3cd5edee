"""Import weights: a file is mapped, a warning accepted, the mapping corrected, settings undone, a run made."""

from collections.abc import Iterator

import pytest
from fake_client import FakeClient
from pytestqt.qtbot import QtBot
from runs_pages import only_pages
from training_scene import catalog, info

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs import RunsListed
from gmstudio.protocol.runs_files import FileProgressed
from gmstudio.protocol.runs_foreign import (
    ForeignArray,
    ImportWeights,
    PreviewWeights,
    WeightsImported,
    WeightsPreviewed,
)
from gmstudio.window.gui.panels.runs.panel import RunsPanel
from gmstudio.window.gui.panels.runs.weights import WeightsPage
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.runs.state import RunsState
from gmstudio.window.state.runs.weights import WeightsState

MAPPING = '[weights]\n"enc.w" = "encoder.weight"\n'
ARRAYS = (ForeignArray("w", (3, 4)),)


class Stage:
    def __init__(self, qtbot: QtBot) -> None:
        self.client = FakeClient()
        self.library = RunLibrary(self.client)
        self.state = RunsState(self.client, self.library)
        self.panel = RunsPanel(self.state, self.library)
        qtbot.addWidget(self.panel)
        self.client.deliver(catalog())
        self.client.deliver(RunsListed(home="/runs", runs=(), problems=()))
        self.panel.resize(1290, 640)
        self.panel.show()
        page = self.panel.tabs.page("weights")
        assert isinstance(page, WeightsPage)
        self.page: WeightsPage = page
        self.weights = self.state.page(WeightsState)

    def answer(self, **found: object) -> None:
        command = self.client.last(PreviewWeights)
        self.client.deliver(WeightsPreviewed(request=command.request, **found))  # type: ignore[arg-type]

    def preview(self, *differences: str) -> None:
        self.answer(theirs=ARRAYS, ours=ARRAYS, mapping=MAPPING, differences=differences)


@pytest.fixture
def stage(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    only_pages(monkeypatch, "weights", "library")
    one = Stage(qtbot)
    yield one
    one.panel.hide()


def test_a_file_is_accepted_mapped_and_imported(stage: Stage) -> None:
    assert not stage.page.action.isEnabled()
    stage.weights.choose_file("/theirs.pt")
    sent = stage.client.last(PreviewWeights)
    assert (sent.path, sent.spec.family, sent.accepted, sent.mapping) == ("/theirs.pt", "vae", False, None)
    stage.answer(unaccepted="A warning.")
    assert stage.page.note.text() == "A warning." and not stage.page.action.isEnabled()
    stage.page.accept.trigger()
    assert stage.client.last(PreviewWeights).accepted
    stage.preview()
    assert stage.page.mapping.toPlainText() == MAPPING and stage.page.action.isEnabled()
    stage.page.action.trigger()
    command = stage.client.last(ImportWeights)
    assert (command.path, command.accepted, command.mapping) == ("/theirs.pt", True, MAPPING)
    stage.client.deliver(FileProgressed(request=command.request, share=0.5))
    assert "50%" in stage.page.note.text() and not stage.page.action.isEnabled()
    made = info("new", "stopped", 0)
    stage.client.deliver(WeightsImported(request=command.request, info=made))
    assert stage.page.action.isEnabled()


def test_differences_are_listed_and_the_mapping_is_corrected(qtbot: QtBot, stage: Stage) -> None:
    stage.weights.choose_file("/theirs.safetensors")
    stage.preview("missing: a 3×4", "left over: b 3×4")
    assert stage.page.differences.toPlainText().splitlines() == ["missing: a 3×4", "left over: b 3×4"]
    assert "2 differences" in stage.page.note.text() and not stage.page.action.isEnabled()
    stage.page.mapping.setPlainText(MAPPING + '"b" = "a"\n')
    qtbot.waitUntil(lambda: stage.client.last(PreviewWeights).mapping is not None)
    assert stage.client.last(PreviewWeights).mapping == MAPPING + '"b" = "a"\n'
    stage.answer(problem="The mapping cannot be read.", theirs=ARRAYS)
    assert stage.page.note.text() == "The mapping cannot be read."
    stage.page.propose.trigger()
    assert stage.client.last(PreviewWeights).mapping is None


def test_family_and_settings_are_sent_and_undone(stage: Stage) -> None:
    stage.weights.choose_file("/theirs.safetensors")
    stage.preview()
    stage.weights.choose_family("gan")
    stage.preview()
    assert stage.client.last(PreviewWeights).spec.family == "gan" and stage.page.family.currentData() == "gan"
    assert "objective" in stage.page._forms["config"].fields
    stage.panel.undo.undo()
    assert stage.weights.family == "vae" and "beta" in stage.page._forms["config"].fields
    stage.preview()
    field = stage.page._forms["config"].fields["beta"]
    field.set_value(4.0)
    field.edited.emit()
    assert stage.client.last(PreviewWeights).spec.config["beta"] == 4.0


def test_a_failure_is_shown(stage: Stage) -> None:
    stage.weights.choose_file("/theirs.safetensors")
    request = stage.client.last(PreviewWeights).request
    failed = CommandFailed(
        request=request, command="PreviewWeights", message="It is damaged.", reason=Reason.RUN_UNUSABLE
    )
    stage.client.deliver(failed)
    assert stage.page.note.text() == "It is damaged." and not stage.page.action.isEnabled()

"""The line above a panel that shows a ready model; the road from the Atlas to a panel."""

from collections.abc import Iterator

import pytest
from atlas_scene import catalog, info
from fake_client import FakeClient
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from gmstudio.protocol.families import LatentSpec, Objective
from gmstudio.protocol.runs import RunOpened, RunsListed
from gmstudio.window.gui.places import PLACES, Place, any_run, explores, trained_run
from gmstudio.window.gui.shell.ready_note import ReadyNote
from gmstudio.window.state.runs.library import RunLibrary

LATENTS = next(place for place in PLACES if place.name == "latents")
VAE = info("/vae", "vae", example=True)


class Shown(QObject):
    """State of a panel that shows one run."""

    run_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.run = ""

    def choose_run(self, run: str) -> None:
        self.run = run
        self.run_changed.emit()


class Scene:
    def __init__(self, qtbot: QtBot) -> None:
        self.client = FakeClient()
        self.library = RunLibrary(self.client)
        self.client.deliver(catalog())
        self.state = Shown()
        self.note = ReadyNote(self.library)
        qtbot.addWidget(self.note)
        self.note.follow(LATENTS, self.state)

    def list_runs(self, *runs: object) -> None:
        self.client.deliver(RunsListed(home="/runs", runs=runs, problems=()))  # type: ignore[arg-type]


@pytest.fixture
def scene(qtbot: QtBot) -> Iterator[Scene]:
    scene = Scene(qtbot)
    yield scene
    scene.note.hide()


def test_it_names_the_ready_model_and_its_data(scene: Scene) -> None:
    scene.list_runs(VAE)
    scene.state.choose_run("/vae")
    assert not scene.note.isHidden()
    assert scene.note.text.words == "A ready VAE, trained on Digits."
    opened = RunOpened(
        info=VAE,
        live=False,
        objective=Objective("", ()),
        latent=LatentSpec(2),
        num_parameters=1,
        sample_steps=(),
        num_train=6000,
    )
    scene.client.deliver(opened)
    assert scene.note.text.words == "A ready VAE, trained on 6,000 images of Digits."


def test_it_goes_with_the_first_run_of_the_user_that_the_panel_can_show(scene: Scene) -> None:
    scene.list_runs(info("/pixels", "pixelcnn"), VAE)
    scene.state.choose_run("/vae")
    assert not scene.note.isHidden(), "a PixelCNN has no latents"
    scene.list_runs(info("/mine", "gan"), VAE)
    assert scene.note.isHidden()


def test_it_is_not_shown_for_a_run_of_the_user_or_on_another_page(scene: Scene) -> None:
    scene.list_runs(info("/mine", "vae"))
    scene.state.choose_run("/mine")
    assert scene.note.isHidden()
    scene.list_runs(VAE)
    scene.state.choose_run("/vae")
    assert not scene.note.isHidden()
    scene.note.follow(None, None)
    assert scene.note.isHidden()


def test_its_button_sets_up_a_run_of_the_family(qtbot: QtBot, scene: Scene) -> None:
    scene.list_runs(VAE)
    scene.state.choose_run("/vae")
    with qtbot.waitSignal(scene.note.training_wanted) as wanted:
        scene.note.train.click()
    assert wanted.args == ["vae"]


def test_where_runs_are_set_up_it_leads_nowhere_else(scene: Scene) -> None:
    class SetsUp(Shown):
        def set_up(self, family: str) -> None: ...

    scene.list_runs(VAE)
    train, state = next(place for place in PLACES if place.name == "train"), SetsUp()
    scene.note.follow(train, state)
    state.choose_run("/vae")
    assert scene.note.text.words == "A ready VAE, trained on Digits. Train your own at the left."
    assert scene.note.train.isHidden()
    scene.note.follow(LATENTS, scene.state)
    scene.state.choose_run("/vae")
    assert not scene.note.train.isHidden()


def test_panels_for_any_run_are_not_for_exploring() -> None:
    def place(shows: object) -> Place:
        return Place("p", "P", "train", "t", panel="a:B", state="a:C", shows=shows)  # type: ignore[arg-type]

    assert explores(place(trained_run("decode")))
    assert not explores(place(any_run)) and not explores(place(None))

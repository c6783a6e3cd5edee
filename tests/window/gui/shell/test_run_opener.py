"""A run is opened in the panel that showed it last, else in the first panel that can show it."""

import dataclasses
from pathlib import Path
from typing import Any

import fake_engine
import msgspec
import pytest
import toy_panels
from fake_client import FakeClient
from PySide6.QtCore import QCoreApplication, QSettings
from toy_panels import FirstState, SecondState

from gmstudio.media.provenance import Provenance
from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.runs import OpenRun, RunInfo, RunOpened, RunsListed
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.places import PLACES, trained_run
from gmstudio.window.gui.shell import run_opener
from gmstudio.window.gui.shell.run_opener import RunOpener
from gmstudio.window.gui.shell.settings import PANEL_OF_RUN, WindowSettings
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.studio import Studio

LATENT = ("encode", "decode")


class ToyStudio:
    """The parts of a studio that opening a run needs."""

    def __init__(self) -> None:
        self.client = FakeClient()
        self.library = RunLibrary(self.client)
        self._states: dict[Any, Any] = {}

    def state(self, kind: Any) -> Any:
        return self._states.setdefault(kind, kind(self.client, self.library, self.library))


class Stage:
    """An opener that records its results."""

    def __init__(self, settings: Path) -> None:
        self.studio = ToyStudio()
        self.settings = WindowSettings(settings)
        self.opener = RunOpener(self.studio, toy_panels.PLACES, self.settings, None)  # type: ignore[arg-type]
        self.opener.add_state("first", self.studio.state(FirstState))
        self.opener.add_state("second", self.studio.state(SecondState))
        self.found: list[tuple[str, str]] = []
        self.failed: list[tuple[str, str]] = []
        self.opener.found.connect(lambda name, run: self.found.append((name, run)))
        self.opener.failed.connect(lambda run, text: self.failed.append((run, text)))

    def answer(self, info: RunInfo) -> None:
        """Deliver the engine's answer to the newest ``OpenRun``."""
        opened = RunOpened(
            info=info, live=False, objective=fake_engine.OBJECTIVE, latent=None, num_parameters=1, sample_steps=()
        )
        self.reply(opened)

    def reply(self, event: Event) -> None:
        sent = [command for command in self.studio.client.sent if isinstance(command, OpenRun)]
        self.studio.client.deliver(msgspec.structs.replace(event, request=sent[-1].request))

    def open(self, info: RunInfo) -> tuple[str, str]:
        self.opener.open(info.run)
        if info.run not in self.studio.library.opened:
            self.answer(info)
        return self.found[-1]


@pytest.fixture
def stage(qapp: object, tmp_path: Path) -> Stage:
    return Stage(tmp_path / "window.ini")


def run(name: str, **values: Any) -> RunInfo:
    defaults = {"run": f"/runs/{name}", "title": name, "status": "finished", "step": 10, "checkpoint_steps": (10,)}
    return msgspec.structs.replace(fake_engine.RUN, **{**defaults, **values})


def test_the_first_panel_that_can_show_a_run_opens_it(stage: Stage) -> None:
    assert stage.open(run("pixels")) == ("first", "/runs/pixels")
    assert stage.open(run("vae", capabilities=LATENT)) == ("second", "/runs/vae")
    assert stage.open(run("untrained", checkpoint_steps=())) == ("second", "/runs/untrained")


def test_the_panel_that_showed_a_run_last_opens_it(stage: Stage) -> None:
    stage.opener.set_panel("second")
    stage.studio.state(SecondState).choose_run("/runs/a")
    stage.studio.state(SecondState).choose_run("/runs/b")
    stage.studio.state(FirstState).choose_run("/runs/c")  # in a panel that is not in front
    stage.opener.set_panel("help")
    assert stage.open(run("a")) == ("second", "/runs/a")
    assert stage.open(run("b")) == ("second", "/runs/b")
    assert stage.open(run("c")) == ("first", "/runs/c")


def test_going_to_a_panel_shows_its_run_there(stage: Stage) -> None:
    stage.studio.state(FirstState).choose_run("/runs/a")
    stage.studio.state(SecondState).choose_run("/runs/a")
    stage.opener.set_panel("first")
    stage.opener.set_panel("second")
    assert stage.open(run("a")) == ("second", "/runs/a")
    stage.opener.set_panel("first")
    assert stage.open(run("a")) == ("first", "/runs/a")


def test_a_panel_that_can_no_longer_show_the_run_is_passed_over(stage: Stage) -> None:
    stage.opener.set_panel("first")
    stage.studio.state(FirstState).choose_run("/runs/a")
    assert stage.open(run("a", checkpoint_steps=())) == ("second", "/runs/a")


def test_a_run_is_explored_in_the_panel_that_is_made_for_it(stage: Stage) -> None:
    """Not in one for runs of any kind, though that showed it last."""
    stage.studio.client.deliver(RunsListed(home="/runs", runs=(run("a"), run("b", capabilities=LATENT)), problems=()))
    stage.opener.set_panel("second")
    stage.studio.state(SecondState).choose_run("/runs/a")
    stage.opener.explore("/runs/a")
    assert stage.found == [("first", "/runs/a")]
    stage.opener.explore("/runs/b")
    stage.opener.explore("/runs/gone")
    assert stage.found == [("first", "/runs/a")]
    assert [name for name, _ in stage.failed] == ["/runs/b", "/runs/gone"]


def test_a_model_with_a_chain_is_explored_where_chains_are(stage: Stage) -> None:
    """Though a panel before it can show the model too."""
    chains = dataclasses.replace(toy_panels.PLACES[1], name="chains", shows=trained_run(""), first_for="chain")
    places = {place.name: place for place in (*toy_panels.PLACES, chains)}
    stage.opener._places = places
    both, one = run("both", capabilities=("pixel_session", "chain")), run("one", capabilities=("pixel_session",))
    stage.studio.client.deliver(RunsListed(home="/runs", runs=(both, one), problems=()))
    stage.opener.explore("/runs/both")
    stage.opener.explore("/runs/one")
    assert stage.found == [("chains", "/runs/both"), ("first", "/runs/one")]
    assert [place.name for place in PLACES if place.first_for] == ["chains"]


def test_a_picture_opens_its_run_in_the_panel_that_it_is_from(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    restored: list[tuple[str, object]] = []

    def restore(panel: str, _state: object, origin: Provenance) -> str:
        if origin.seed == 13:
            raise ValueError("The file was changed.")
        restored.append((panel, origin.seed))
        return f"seed {origin.seed}"

    monkeypatch.setattr(run_opener, "restore_settings", restore)
    said: list[str] = []
    stage.opener.restored.connect(said.append)

    def picture(panel: str, seed: int, info: RunInfo) -> str:
        stage.opener.open(info.run, Provenance(family="f", run="r", panel=panel, seed=seed))
        if info.run not in stage.studio.library.opened:
            stage.answer(info)
        return stage.found[-1][0]

    assert picture("second", 1, run("a")) == "second"
    assert picture("first", 2, run("b", capabilities=LATENT)) == "second"  # which the first panel cannot show
    assert picture("nowhere", 3, run("c")) == "first"
    assert restored == [("second", 1)]
    assert said == ["As in the picture: seed 1"]
    assert picture("second", 13, run("d")) == "second"
    assert stage.failed == [("/runs/d", "The file was changed.")]
    assert stage.open(run("a"))[0] == "first"  # the picture is forgotten


def test_the_run_is_shown_in_its_panel(stage: Stage) -> None:
    stage.opener.choose("second", "/runs/a")
    assert stage.studio.state(SecondState).run == "/runs/a"


def test_last_panels_are_kept_in_the_settings(stage: Stage, tmp_path: Path) -> None:
    stage.opener.set_panel("second")
    stage.studio.state(SecondState).choose_run('/runs/a "é" = b, c')
    stage.opener.save()
    stage.settings.sync()
    again = Stage(tmp_path / "window.ini")
    assert again.open(run("x", run='/runs/a "é" = b, c'))[0] == "second"


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '"a"', '{"/runs/a": "nowhere"}'])
def test_settings_that_hold_nothing_valid_are_ignored(qapp: object, tmp_path: Path, text: str) -> None:
    settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    settings.setValue(PANEL_OF_RUN.key, text)
    settings.sync()
    assert Stage(tmp_path / "window.ini").open(run("a")) == ("first", "/runs/a")


def test_only_so_many_runs_are_remembered(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_opener, "MAX_REMEMBERED", 2)
    stage.opener.set_panel("second")
    for name in "abc":
        stage.studio.state(SecondState).choose_run(f"/runs/{name}")
    stage.opener.set_panel("help")
    assert [stage.open(run(name))[0] for name in "abc"] == ["first", "second", "second"]


def test_a_run_that_no_panel_can_show(stage: Stage) -> None:
    studio, settings = stage.studio, stage.settings
    opener = RunOpener(studio, toy_panels.PLACES[:1], settings, None)  # type: ignore[arg-type]
    failed: list[str] = []
    opener.failed.connect(lambda _run, text: failed.append(text))
    opener.open("/runs/vae")
    stage.answer(run("vae", capabilities=LATENT))
    assert failed == ["No panel can show vae, a run of Toy."]


def test_a_folder_that_holds_no_run_is_reported(stage: Stage) -> None:
    stage.opener.open("/nowhere")
    stage.reply(CommandFailed(command="OpenRun", message="There is no run in /nowhere.", reason=Reason.RUN_MISSING))
    assert stage.failed == [("/nowhere", "There is no run in /nowhere.")] and stage.found == []


def test_the_newest_folder_counts(stage: Stage) -> None:
    stage.opener.open("/runs/a")
    first = stage.studio.client.sent[-1].request
    stage.opener.open("/runs/b")
    stage.answer(run("b"))
    answer = msgspec.structs.replace(stage.studio.library.opened["/runs/b"], info=run("a"), request=first)
    stage.studio.client.deliver(answer)
    assert stage.found == [("first", "/runs/b")]


def test_a_run_that_is_open_is_shown_at_once(stage: Stage) -> None:
    stage.studio.client.deliver(RunsListed(home="/runs", runs=(run("a"),), problems=()))
    stage.open(run("a"))
    sent = len(stage.studio.client.sent)
    assert stage.open(run("a")) == ("first", "/runs/a")
    assert len(stage.studio.client.sent) == sent and len(stage.found) == 2


def test_states_of_the_real_studio(qapp: object, tmp_path: Path) -> None:
    studio = Studio(EngineClient(["never-started"]))
    settings = WindowSettings(tmp_path / "window.ini")
    opener = RunOpener(studio, PLACES, settings, None)
    for place in PLACES:
        opener.add_state(place.name, place.state_in(studio))
    vae = run("vae", capabilities=("encode", "decode"))
    studio.client.deliver(RunsListed(home="/runs", runs=(vae,), problems=()))
    for name in ("train", "latents", "chains"):
        opener.set_panel(name)
        opener.choose(name, vae.run)
        shown = opener.place_for(vae)
        assert shown is not None and shown.name == name
    opener.set_panel("pixels")
    opener.choose("pixels", vae.run)  # which cannot show it
    shown = opener.place_for(vae)
    assert shown is not None and shown.name == "train"
    QCoreApplication.processEvents()  # the commands fail, as there is no engine, before the studio is gone


def test_a_model_of_points_is_explored_in_the_plane(stage: Stage) -> None:
    """Though Pixels and Chains can show it too."""
    stage.opener._places = {place.name: place for place in PLACES}
    able = ("pixel_session", "chain", "trajectory")
    points, line = (run(f"{size}", image=ImageSpec(1, 1, size, 64), capabilities=able) for size in (2, 1))
    untrained = run("untrained", image=ImageSpec(1, 1, 2, 64), checkpoint_steps=())
    pictures = run("pictures", image=ImageSpec(1, 1, 3, 64), capabilities=("pixel_session",))
    stage.studio.client.deliver(RunsListed(home="/runs", runs=(points, line, untrained, pictures), problems=()))
    for info in (points, line, pictures, untrained):
        stage.opener.explore(info.run)
    assert stage.found == [("plane", "/runs/2"), ("plane", "/runs/1"), ("pixels", "/runs/pictures")]
    assert [name for name, _ in stage.failed] == ["/runs/untrained"]
    assert [place.name for place in PLACES if place.first] == ["plane"]

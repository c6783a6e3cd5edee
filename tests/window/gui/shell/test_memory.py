"""The panels of the next window offer the settings and show the runs of the last one."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from fake_client import FakeClient
from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QLabel, QSlider, QSplitter, QWidget
from pytestqt.qtbot import QtBot
from training_scene import catalog, info, opened

from gmstudio.protocol.families import LatentSpec
from gmstudio.protocol.runs import ChooseCheckpoint, RunsListed
from gmstudio.window.gui.control_values import control_value, is_set, set_control_value
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.train.curves import TrainCurves
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.shell.memory import WindowMemory
from gmstudio.window.gui.shell.settings import CHECKPOINTS, WindowSettings
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs
from gmstudio.window.gui.widgets.number_input import IntegerField, NumberField
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.training.state import TrainingState


class StudioWithoutEngine(QObject):
    """The states of the panels on a client that sends nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.client = FakeClient()
        self.library = RunLibrary(self.client, self)
        self._states: dict[Any, Any] = {}

    def state(self, kind: Any) -> Any:
        if kind not in self._states:
            self._states[kind] = kind(self.client, self.library, self)
        return self._states[kind]


class Session:
    """Studio and some of the panels of one window on a settings file."""

    def __init__(self, qtbot: QtBot, file: Path, *names: str, catalog_first: bool = False) -> None:
        self.settings = WindowSettings(file)
        studio: Any = StudioWithoutEngine()
        if catalog_first:
            studio.client.deliver(catalog())
        self.studio = studio
        self.memory = WindowMemory(studio.library, PLACES, self.settings, studio)
        self.panels: dict[str, Panel] = {}
        for place in PLACES:
            if place.name not in names:
                continue
            self.memory.add_state(place.name, place.state_in(studio))
            panel = self.panels[place.name] = place.build(studio)
            qtbot.addWidget(panel, before_close_func=self._is_there)
            self.memory.add_panel(panel)

    def _is_there(self, _panel: QWidget) -> None:
        """Nothing: referring to the method keeps the states until the panels that show them have been closed."""

    def start_engine(self, *runs: str) -> None:
        self.studio.client.deliver(catalog())
        listed = tuple(info(run, "finished", 9, checkpoint_steps=(9,)) for run in runs)
        self.studio.client.deliver(RunsListed(home="/runs", runs=listed, problems=()))

    def control(self, name: str) -> Any:
        controls = [c for panel in self.panels.values() for c in panel.remembered if c.objectName() == name]
        assert len(controls) == 1, name
        return controls[0]

    def build_pages(self) -> None:
        for panel in self.panels.values():
            for tabs in panel.findChildren(LazyTabs):
                tabs.build_all()

    def end(self) -> None:
        self.memory.save()
        self.settings.sync()


@pytest.mark.parametrize("built", ["before the catalog", "after the catalog"])
def test_train_offers_the_last_settings(qtbot: QtBot, tmp_path: Path, built: str) -> None:
    first = Session(qtbot, tmp_path / "window.ini", "train")
    first.start_engine()
    setup = first.studio.state(TrainingState).setup
    setup.set_config(setup.config | {"num_latent": 2, "beta": 0.5}, {})
    setup.choose_family("gan")
    setup.choose_data("idx")
    setup.set_data_config(setup.data_config | {"folder": "/images/ö, ü"}, {})
    setup.set_training(setup.training | {"steps": 77}, {})
    spec = setup.spec
    first.end()
    again = Session(qtbot, tmp_path / "window.ini", "train", catalog_first=built == "after the catalog")
    if built == "before the catalog":
        again.start_engine()
    restored = again.studio.state(TrainingState).setup
    assert restored.spec == spec
    restored.choose_family("vae")
    assert (restored.config["num_latent"], restored.config["beta"]) == (2, 0.5)


@pytest.mark.parametrize("panel", ["train", "latents", "chains"])
def test_a_panel_shows_the_run_that_it_showed_last(qtbot: QtBot, tmp_path: Path, panel: str) -> None:
    first = Session(qtbot, tmp_path / "window.ini", panel)
    first.start_engine("/runs/new", "/runs/old")
    place = next(place for place in PLACES if place.name == panel)
    state: Any = place.state_in(first.studio)
    qtbot.waitUntil(lambda: state.run == "/runs/new")
    state.choose_run("/runs/old")
    first.end()
    again = Session(qtbot, tmp_path / "window.ini", panel)
    again.start_engine("/runs/newer", "/runs/new", "/runs/old")
    other: Any = place.state_in(again.studio)
    qtbot.waitUntil(lambda: other.run == "/runs/old")


def test_train_shows_the_newest_run_where_the_last_is_gone(qtbot: QtBot, tmp_path: Path) -> None:
    first = Session(qtbot, tmp_path / "window.ini", "train")
    first.start_engine("/runs/old")
    qtbot.waitUntil(lambda: first.studio.state(TrainingState).run == "/runs/old")
    first.end()
    again = Session(qtbot, tmp_path / "window.ini", "train")
    again.start_engine("/runs/new")
    qtbot.waitUntil(lambda: again.studio.state(TrainingState).run == "/runs/new")
    texts = [label.text() for label in again.panels["train"].findChildren(QLabel)]
    assert "new · Finished" in texts and "No run yet" not in texts


VALUES = {
    "train.tabs": "runs",
    "pixels.views": "order",
    "pixels.guess.speed": 3,
    "action.pixels.guess.tints": False,
    "latents.tabs": "map",
    "train.unit": "bits/dim",
    "train.axis": "epoch",
    "train.smoothing": 40,
    "action.train.log": True,
    "latents.map_side": 11,
    "latents.companion": "samples",
    "latents.fit": "ink",
    "latents.contrast": False,
    "latents.invert": True,
    "latents.brush.value": 2.5,
    "latents.export_source": "traversal",
    "latents.export_format": "png",
    "latents.export_fps": 12,
    "latents.export_images": 7,
    "latents.export_columns": 3,
    "latents.export_axes": True,
    "latents.export_dots": True,
    "chains.count": 4,
    "plane.metric": "reverse_kl",
    "density.tabs": "anomalies",
    "density.anomaly_coder": "webp",
    "density.anomaly_group": 5,
    "density.anomaly_seed": 3,
    "density.anomaly_mutation": 0.2,
    "density.anomaly_outcome": "missed",
    "density.score_samples": 20,
    "density.samples_count": 250,
    "density.samples_space": "random",
    "density.samples_pickled": True,
    "density.samples_k": 4,
    "density.samples_coverage_k": 6,
    "density.samples_figure": "classes",
    "density.samples_order": "nearest",
    "density.bytes_count": 12,
    "density.bytes_start": 3,
    "action.density.one_every": False,
    "density.score_seed": 7,
    "density.score_labels": "given",
    "action.density.score_log": True,
    "action.density.score_turn": True,
    "features.tabs": "factors",
    "features.probe_labels_1": False,
    "features.probe_labels_5": False,
    "features.probe_labels_10": False,
    "features.probe_labels_50": False,
    "features.probe_labels_100": False,
    "features.probe_labels_all": False,
    "features.probe_seeds": 9,
    "features.probe_neighbours": 7,
    "features.fine_tuning_labels": 50,
    "features.fine_tuning_steps": 120,
    "features.fine_tuning_rate": 0.01,
    "features.fine_tuning_seeds": 2,
    "features.projection_method": "tsne",
    "features.projection_split": "train",
    "features.projection_count": 1234,
    "features.projection_perplexity": 45.0,
    "features.projection_neighbours": 33,
    "features.projection_min_dist": 0.35,
    "features.projection_seed": 8,
    "features.projection_first": 3,
    "features.projection_second": 5,
    "features.projection_low": 7,
    "features.projection_high": 91,
    "features.projection_nearest": 12,
    "action.features.projection_images": False,
    "features.factors_count": 900,
    "features.factors_matrix": "importance",
    "features.factors_sort": "strongest",
    "runs.tabs": "library",
    "train.more_steps": 77,
    "runs.compare_unit": "nats",
    "runs.compare_axis": "epoch",
    "runs.compare_training": False,
    "runs.compare_validation": False,
    "runs.compare_smoothing": 12,
    "action.runs.compare_log": True,
    "runs.compare_views": "samples",
    "action.runs.pictures_side": False,
    "action.runs.pictures_swipe": True,
    "action.runs.pictures_blink": True,
    "action.runs.pictures_difference": True,
    "runs.pictures_absolute": True,
    "runs.pictures_rate": 2.5,
    "runs.travel_explore": False,
}


def test_every_remembered_control_is_tested(qtbot: QtBot, tmp_path: Path) -> None:
    session = Session(qtbot, tmp_path / "window.ini", *(place.name for place in PLACES))
    session.build_pages()
    remembered = [control for panel in session.panels.values() for control in panel.remembered]
    assert {control.objectName() for control in remembered if not isinstance(control, QSplitter)} == set(VALUES)
    splitters = {splitter for panel in session.panels.values() for splitter in panel.findChildren(QSplitter)}
    assert {splitter for splitter in splitters if splitter not in remembered} == set(
        session.panels["train"].findChildren(TrainCurves)[0].findChildren(QSplitter)
    ), "its plots come and go with the runs"


def test_splitters_are_where_they_were_moved_to(qtbot: QtBot, tmp_path: Path) -> None:
    def shown(*names: str) -> tuple[Session, dict[str, QSplitter]]:
        session = Session(qtbot, tmp_path / "window.ini", "runs", "features")
        for panel in session.panels.values():
            panel.resize(1400, 800)
            panel.show()
        session.build_pages()
        session.panels["features"].findChild(LazyTabs, "features.tabs").show_page("probe")
        return session, {name: session.control(name) for name in names}

    first, splitters = shown("runs.library_split", "features.probe_split")
    moved = splitters["runs.library_split"]
    moved.setSizes([700, 600])
    moved.splitterMoved.emit(700, 1)
    places = moved.sizes()
    assert is_set(moved) and not is_set(splitters["features.probe_split"]), "its sizes are not the user's"
    first.end()
    again, splitters = shown("runs.library_split")
    qtbot.waitUntil(lambda: abs(splitters["runs.library_split"].sizes()[0] - places[0]) < 8)
    again.panels["runs"].resize(900, 800)
    qtbot.waitUntil(lambda: not is_set(splitters["runs.library_split"]))  # one part is hidden


@pytest.mark.parametrize("panel", sorted({name.removeprefix("action.").partition(".")[0] for name in VALUES}))
def test_remembered_controls_have_their_values_again(qtbot: QtBot, tmp_path: Path, panel: str) -> None:
    """All controls of a panel at once; one that is reset by another, such as the other mode, in the next round."""
    left = {name: value for name, value in VALUES.items() if name.removeprefix("action.").startswith(f"{panel}.")}
    while left:
        file = tmp_path / f"{len(left)} left.ini"
        first = Session(qtbot, file, panel)
        first.build_pages()
        for name, value in left.items():
            set_control_value(first.control(name), value)
            assert control_value(first.control(name)) == value, name
        kept = {name: value for name, value in left.items() if control_value(first.control(name)) == value}
        assert kept
        first.end()
        again = Session(qtbot, file, panel)
        again.build_pages()
        for name, value in kept.items():
            control = again.control(name)
            qtbot.waitUntil(lambda control=control, value=value: control_value(control) == value)
        left = {name: value for name, value in left.items() if name not in kept}


@pytest.mark.parametrize(
    ("panel", "page", "control", "value"),
    [
        ("features", "projection", "projection_method", "tsne"),
        ("features", "fine_tuning", "fine_tuning_steps", 321),
        ("density", "anomalies", "anomaly_group", 7),
    ],
)
def test_controls_of_the_page_that_was_open_have_their_values_again(
    qtbot: QtBot, tmp_path: Path, panel: str, page: str, control: str, value: Any
) -> None:
    first = Session(qtbot, tmp_path / "window.ini", panel)
    set_control_value(first.control(f"{panel}.tabs"), page)
    set_control_value(first.control(f"{panel}.{control}"), value)
    first.end()
    again = Session(qtbot, tmp_path / "window.ini", panel)
    assert control_value(again.control(f"{panel}.tabs")) == page  # without opening it, nor any other
    qtbot.waitUntil(lambda: control_value(again.control(f"{panel}.{control}")) == value)


def test_the_order_of_dimensions_is_kept(qtbot: QtBot, tmp_path: Path) -> None:
    first = Session(qtbot, tmp_path / "window.ini", "latents")
    first.studio.state(LatentsState).dimension_stats.set_sort("index")
    first.end()
    again = Session(qtbot, tmp_path / "window.ini", "latents")
    assert again.studio.state(LatentsState).dimension_stats.sort == "index"


def test_the_chosen_checkpoint_is_chosen_again_where_it_still_is(qtbot: QtBot, tmp_path: Path) -> None:
    first = Session(qtbot, tmp_path / "window.ini", "train")
    first.start_engine("/runs/a", "/runs/b")
    for run in ("/runs/a", "/runs/b"):
        first.studio.library.checkpoints.choose(run, 9)
    first.end()
    unlisted = Session(qtbot, tmp_path / "window.ini", "train")
    unlisted.end()  # before the runs were listed
    again = Session(qtbot, tmp_path / "window.ini", "train")
    again.studio.client.deliver(catalog())
    listed = (info("/runs/a", "finished", 9, checkpoint_steps=(9,)), info("/runs/b", "finished", 9))
    again.studio.client.deliver(RunsListed(home="/runs", runs=listed, problems=()))
    assert again.studio.library.checkpoints.steps == {"/runs/a": 9}
    chosen = [(c.run, c.step) for c in again.studio.client.sent if isinstance(c, ChooseCheckpoint)]
    assert chosen == [("/runs/a", 9)]
    again.studio.library.checkpoints.choose("/runs/a", None)
    again.end()
    assert again.settings.get(CHECKPOINTS) == {}


def test_the_code_of_a_run_is_shown_again(qtbot: QtBot, tmp_path: Path) -> None:
    first = Session(qtbot, tmp_path / "window.ini", "latents")
    state = opened_latents(first, "/runs/a")
    values = np.array([0.1, -2.123456, 3.0], np.float32)
    state.code.set_values(values)
    state.code.set_locked(2, True)
    state.code.choose_dim(1)
    opened_latents(first, "/runs/b")
    first.end()
    again = Session(qtbot, tmp_path / "window.ini", "latents")
    state = opened_latents(again, "/runs/a")
    assert np.array_equal(state.code.values, values) and state.code.locked.tolist() == [False, False, True]
    assert state.code.dim == 1 and len(state.interpolation.keyframes) == 2
    assert not opened_latents(again, "/runs/b").code.values.any()
    other = opened_latents(Session(qtbot, tmp_path / "window.ini", "latents"), "/runs/a", num_dims=4)
    assert not other.code.values.any() and other.code.num_dims == 4


@pytest.mark.parametrize(
    "kept", [None, 3, {"a": 3}, {"a": {}}, {"a": {"values": [1, "x"], "locked": [], "dim": 0}}, {"a": {"values": []}}]
)
def test_codes_of_another_version_are_left_out(qtbot: QtBot, tmp_path: Path, kept: object) -> None:
    state = Session(qtbot, tmp_path / "window.ini", "latents").studio.state(LatentsState)
    state.restore_choices({"codes": kept})
    assert state.saved_views.codes() == {}


def opened_latents(session: Session, run: str, num_dims: int = 3) -> LatentsState:
    """State of the Latents panel with an open run of so many dimensions."""
    if session.studio.library.catalog is None:
        session.start_engine("/runs/a", "/runs/b")
    state: LatentsState = session.studio.state(LatentsState)
    state.choose_run(run)
    latent = LatentSpec(num_dims)
    event = opened(run, live=False, status="finished", step=9, checkpoint_steps=(9,))
    session.studio.client.deliver(msgspec.structs.replace(event, latent=latent))
    return state


def test_what_a_control_cannot_show_is_ignored(qtbot: QtBot) -> None:
    combo, spin, real, slider, action, splitter = (
        QComboBox(),
        IntegerField(),
        NumberField(),
        QSlider(),
        QAction(),
        QSplitter(),
    )
    for widget in (combo, spin, real, slider, splitter):
        qtbot.addWidget(widget)
    combo.addItems(["a", "b"])
    action.setCheckable(True)
    controls = (combo, spin, real, slider, action, splitter)
    before = [control_value(control) for control in controls]
    for value in (None, "c", [1, 2], {"a": 1}, "1"):
        for control in controls:
            set_control_value(control, value)
    set_control_value(spin, True)
    assert [control_value(control) for control in controls] == before
    with pytest.raises(TypeError, match="no value"):
        control_value(QWidget())

"""Packages with families: one that is built, installed, trained and explored; and ones with every mistake."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_process import EngineProcess
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from typer.testing import CliRunner

from gmstudio.cli import app
from gmstudio.protocol.engine import CommandFailed, Ping, Pong
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import ListRuns, OpenRun, RunInfo, RunsListed
from gmstudio.protocol.training import StartTraining, TrainingChanged
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import new_record
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.forms.form_field import FormField
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.studio import Studio
from gmstudio.window.state.theory import family_theory
from gmstudio.window.state.training.state import TrainingState

WAIT_MS = 60_000
TESTS = Path(__file__).parents[1]
INSTALL = ("install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder into which the template of a package was built and installed."""
    folder = tmp_path_factory.mktemp("package")
    made = CliRunner().invoke(app, ["families", "--template", str(folder / "source")])
    assert made.exit_code == 0, made.exception
    install = [sys.executable, "-m", "pip", *INSTALL, "--target", str(folder / "site"), str(folder / "source")]
    done = subprocess.run(install, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def add_to_path(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """Let engines find what is installed in folders, and this checkout."""
    paths = [*map(str, folders), str(TESTS.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))


@pytest.fixture
def window(qtbot: QtBot, home: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    add_to_path(monkeypatch, site)
    studio = Studio(EngineClient())
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    window.resize(1366, 768)
    window.show()
    studio.engine.start()
    qtbot.waitUntil(lambda: studio.library.catalog is not None, timeout=WAIT_MS)
    yield window
    studio.engine.close()
    qtbot.waitUntil(lambda: studio.engine.state.phase == "closed", timeout=WAIT_MS)


def click(qtbot: QtBot, window: MainWindow, name: str) -> None:
    def found() -> list[QWidget]:
        return [w for w in window.findChildren(QWidget, name) if w.isVisible() and w.isEnabled()]

    qtbot.waitUntil(lambda: len(found()) == 1, timeout=WAIT_MS)
    qtbot.mouseClick(found()[0], Qt.MouseButton.LeftButton)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_an_installed_family_is_trained_from_the_catalog_and_stepped(qtbot: QtBot, window: MainWindow) -> None:
    studio = window._studio
    catalog = studio.library.catalog
    assert catalog is not None and catalog.problems == ()
    (entry,) = (family for family in catalog.families if family.card.name == "pixel_mixture")
    assert family_theory(entry.card).startswith("# Mixture of independent pixels")
    click(qtbot, window, "sidebar.train")
    training = studio.state(TrainingState)
    training.setup.choose_family("pixel_mixture")
    training.setup.set_training({**training.setup.training, "steps": 6, "num_samples": 4}, {})
    fields = {field.name for field in window.findChildren(FormField)}
    assert {"num_prototypes", "spread"} <= fields
    qtbot.waitUntil(lambda: training.can_start, timeout=WAIT_MS)
    click(qtbot, window, "train.start")
    qtbot.waitUntil(lambda: any(info.status == "finished" for info in own(studio)), timeout=WAIT_MS)
    (info,) = own(studio)
    assert info.family_title == "Pixel mixture" and "log_prob" in info.capabilities
    click(qtbot, window, "sidebar.pixels")
    pixels = studio.state(PixelsState)
    pixels.choose_run(info.run)
    qtbot.waitUntil(lambda: pixels.navigator.state is not None and not pixels.navigator.busy, timeout=WAIT_MS)
    click(qtbot, window, "pixels.step")
    qtbot.waitUntil(lambda: pixels.navigator.state is not None and pixels.navigator.state.step == 1, timeout=WAIT_MS)


def own(studio: Studio) -> list[RunInfo]:
    return [info for info in studio.library.runs if not info.example]


@pytest.mark.slow
def test_a_run_of_a_package_that_is_gone_is_listed_and_said(tmp_path: Path) -> None:
    spec = RunSpec(family="pixel_mixture", config={"num_prototypes": 3}, data="digits")
    record = new_record(spec, image=ImageSpec(1, 8, 8, 2), device="cpu")
    RunFolder.create(tmp_path / "runs" / "mixture", record).close()
    with EngineProcess(tmp_path) as engine:
        listed = engine.ask(ListRuns(), RunsListed)
        (info,) = (info for info in listed.runs if not info.example)
        assert info.spec.family == "pixel_mixture" and info.spec.config == {"num_prototypes": 3}
        said = engine.ask(OpenRun(run=info.run), CommandFailed)
        assert "There is no family 'pixel_mixture'" in said.message and "install the package" in said.message


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineProcess]:
    """An engine beside an installed package that has every mistake."""
    site = tmp_path / "site"
    described = site / "broken_families-1.0.dist-info"
    described.mkdir(parents=True)
    for module in (TESTS / "independent_pixels.py", *Path(__file__).parent.glob("*_famil*.py")):
        shutil.copy(module, site)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-families\nVersion: 1.0\n")
    classes = ("RaisesInLoss", "WrongSignature", "WrongConfig", "WrongCard", "Missing")
    points = [f"{name} = broken_families:{name}" for name in classes]
    points += ["leaving = leaving_family:Any", "absent = no_such_package:Any"]
    (described / "entry_points.txt").write_text("\n".join(["[gmstudio.families]", *points]))
    add_to_path(monkeypatch, site)
    with EngineProcess(tmp_path / "home") as engine:
        yield engine


@pytest.mark.slow
def test_mistakes_cost_a_sentence_and_never_the_program(broken: EngineProcess) -> None:
    names = {family.card.name for family in broken.catalog.families}
    assert {"vae", "raises_in_loss", "wrong_signature"} <= names and not {"wrong_config", "wrong_card"} & names
    said = "\n".join(broken.catalog.problems)
    for what in ("WrongConfig", "WrongCard", "'Missing'", "no licence found", "no_such_package"):
        assert what in said
    assert len(broken.catalog.problems) == 5
    request = broken.send(StartTraining(spec=spec_of("wrong_signature")))
    refused = broken.wait(CommandFailed, lambda event: event.request == request)
    assert "WrongSignature.__init__() missing" in refused.message
    broken.send(StartTraining(spec=spec_of("raises_in_loss")))
    failed = broken.wait(TrainingChanged, lambda event: event.status == "failed")
    assert "a mistake in the loss" in failed.message
    broken.ask(Ping(), Pong)


def spec_of(family: str) -> RunSpec:
    return RunSpec(family=family, data="digits", data_config={"levels": 2}, training={"steps": 3})

"""Laboratories in a real engine process: ours, one of another package, and beside a training."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_process import EngineProcess

from gmstudio.labs import LABS
from gmstudio.protocol.engine import Cancel, CommandFailed, Ping, Pong, Reason
from gmstudio.protocol.labs import ConfigureLab, EditLab, LabShown, OpenLab, RunLabAction
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import HistoryAppended
from gmstudio.protocol.training import StartTraining, StopTraining, TrainingChanged

ENTRY_POINTS = "[gmstudio.labs]\ntiny = tiny_lab:TinyLab\nbroken = tiny_lab:Nothing\n"
METADATA = "Metadata-Version: 2.1\nName: their-labs\nVersion: 1.0\n"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """An engine that finds a package with two entry points, one of them broken."""
    package = tmp_path_factory.mktemp("package")
    (package / "tiny_lab.py").write_bytes((Path(__file__).parents[2] / "tiny_lab.py").read_bytes())
    info = package / "their_labs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    before = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(package), before)))
    try:
        with EngineProcess(tmp_path_factory.mktemp("home")) as engine:
            yield engine
    finally:
        os.environ["PYTHONPATH"] = before


def ask(engine: EngineProcess, command: OpenLab | ConfigureLab | EditLab | RunLabAction) -> LabShown:
    request = engine.send(command)
    return engine.wait(LabShown, lambda event: event.request == request and event.done)


def test_the_catalog_has_our_labs_then_theirs_and_says_what_is_broken(engine: EngineProcess) -> None:
    assert [entry.card.name for entry in engine.catalog.labs] == [*LABS, "tiny"]
    assert any("The lab 'broken' (tiny_lab:Nothing) cannot be used" in text for text in engine.catalog.problems)


def test_a_lab_of_another_package_is_opened_set_dragged_and_acted_on(engine: EngineProcess) -> None:
    opened = ask(engine, OpenLab(name="tiny", seed=2))
    assert opened.config == {"spread": 1.0, "draws": 5}
    assert ask(engine, ConfigureLab(name="tiny", config={"draws": 3})).config["draws"] == 3
    moved = ask(engine, EditLab(name="tiny", input="points", values=opened.inputs["points"]))
    assert moved.inputs["points"].numpy().tolist() == [[0, 0], [1, 1]]
    assert ask(engine, RunLabAction(name="tiny", action="draw")).scene.stage == "3 drawn"


def test_an_action_takes_turns_with_a_training_and_with_commands(engine: EngineProcess) -> None:
    ask(engine, OpenLab(name="tiny", config={"draws": 100_000}, fresh=True))
    spec = RunSpec(
        family="nade", config={"num_hidden": 8}, data="digits", data_config={"levels": 2}, training={"steps": 100_000}
    )
    engine.send(StartTraining(spec=spec))
    engine.wait(HistoryAppended)
    request = engine.send(RunLabAction(name="tiny", action="draw"))
    engine.wait(LabShown, lambda event: event.request == request and not event.done)
    engine.wait(HistoryAppended)  # the training goes on
    engine.wait(LabShown, lambda event: event.request == request and not event.done)
    engine.ask(Ping(), Pong)
    engine.send(Cancel(target=request))
    assert engine.wait(CommandFailed, lambda event: event.request == request).reason is Reason.CANCELLED
    engine.send(StopTraining())
    engine.wait(TrainingChanged, lambda event: event.status == "stopped")
    assert 0 < int(ask(engine, OpenLab(name="tiny")).scene.stage.split()[0]) < 100_000


@pytest.mark.slow
@pytest.mark.parametrize("name", LABS)
def test_each_lab_opens_in_an_engine_without_ready_models(engine: EngineProcess, name: str) -> None:
    shown = ask(engine, OpenLab(name=name))
    assert shown.scene.rows and shown.config

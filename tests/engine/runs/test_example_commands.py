"""Commands about examples: listed last, explored from a read-only folder, never changed, continued as a copy."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from engine_process import EngineProcess
from example_runs import files_of, make_read_only

from gmstudio.engine.runtime.building import build_run_model
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.models import ModelCache
from gmstudio.engine.training.job import start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.protocol.data import LocateData
from gmstudio.protocol.engine import CommandFailed, Done, Reason
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import (
    AnnotateRun,
    FetchSamples,
    KeepAnnotations,
    ListRuns,
    OpenRun,
    RunOpened,
    RunsListed,
    SamplesDrawn,
    TrashRun,
)
from gmstudio.protocol.training import KeepCheckpoint, ResumeRun, TrainingChanged, TrainOn
from gmstudio.runs.checkpoints import CheckpointStore
from gmstudio.runs.folder import RunFolder

CPU = torch.device("cpu")


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A VAE of two steps on the digits, its weights alone in half precision, in a folder that nobody may write."""
    folder = tmp_path / "examples" / "vae"
    spec = RunSpec(
        family="vae",
        data="digits",
        config={"num_hidden": 16, "num_latent": 2},
        training={"steps": 2, "sample_every": 1, "num_samples": 4, "seed": 3},
    )
    job = start_training(plan_run(DatasetCache(), spec, CPU), str(folder), CPU, lambda event: None)
    while job.running:
        job.advance()
    store = CheckpointStore(folder)
    weights = store.load().tensors["model"]
    half = {name: array.astype(np.float16) for name, array in weights.items()}
    store.save(2, {"model": half}, {"step": 2})
    (folder / "writer.lock").unlink()
    monkeypatch.setenv("GMSTUDIO_EXAMPLES", str(folder.parent))
    make_read_only(folder.parent)
    yield folder
    for path in (folder.parent, *folder.parent.rglob("*")):
        path.chmod(0o755)


def test_half_precision_is_loaded_exactly_into_a_model_of_floats(example: Path) -> None:
    stored = CheckpointStore(example).load().tensors["model"]
    assert all(array.dtype == np.float16 for array in stored.values())
    loaded = ModelCache().load(str(example), CPU).model
    for name, value in loaded.state_dict().items():
        assert value.dtype == torch.float32
        np.testing.assert_array_equal(value.numpy(), stored[name].astype(np.float32))
    untrained = build_run_model(RunFolder.open(example), CPU)
    assert not all(torch.equal(a, b) for a, b in zip(loaded.parameters(), untrained.parameters(), strict=True))


def test_an_example_is_listed_opened_explored_and_left_as_it_was(example: Path, home: Path) -> None:
    before = files_of(example)
    with EngineProcess(home) as engine:
        (listed,) = engine.ask(ListRuns(), RunsListed).runs
        assert listed.example and listed.run == "examples/vae" and listed.status == "finished"
        opened = engine.ask(OpenRun(run=listed.run), RunOpened)
        assert opened.sample_steps and opened.latent is not None and opened.latent.num_dims == 2
        assert engine.ask(FetchSamples(run=listed.run), SamplesDrawn).images.numpy().shape == (4, 1, 8, 8)
        refused = (
            AnnotateRun(run=listed.run, name="mine"),
            TrashRun(run=listed.run),
            KeepCheckpoint(run=listed.run),
            ResumeRun(run=listed.run, steps=4, schedule="stretch"),
            LocateData(run=listed.run, folder=""),
        )
        for command in refused:
            failed = engine.ask(command, CommandFailed)
            assert "is an example that comes with gmstudio" in failed.message, command
        engine.ask(KeepAnnotations(run=listed.run, annotations={"a": 1}), Done)
        assert engine.ask(OpenRun(run=listed.run), RunOpened).annotations == {"a": 1}
    assert files_of(example) == before


def test_training_on_makes_a_copy_with_a_new_optimizer(example: Path, home: Path) -> None:
    before = files_of(example)
    with EngineProcess(home) as engine:
        command = TrainOn(run="examples/vae", steps=4)
        asked = engine.ask(command, CommandFailed)
        assert asked.reason is Reason.SCHEDULE_OPEN
        assert not list((home / "runs").iterdir())
        opened = engine.ask(TrainOn(run="examples/vae", steps=4, schedule="restart"), RunOpened)
        assert opened.live and not opened.info.example and engine.folder(opened.info.run).is_dir()
        engine.wait(TrainingChanged, lambda event: event.status == "finished")
    copy = home / "runs" / opened.info.run
    with RunFolder.open(copy) as run:
        texts = [event.text for event in run.history.read_events()]
        assert any("the optimizer begins with new state" in text for text in texts)
        assert any("Continued from a copy of the example vae" in text for text in texts)
        assert run.record.step == 4 and run.checkpoints.load().tensors.keys() >= {"model", "optimizer", "random"}
    assert files_of(example) == before


def test_only_an_example_is_copied(example: Path, home: Path) -> None:
    with EngineProcess(home) as engine:
        failed = engine.ask(TrainOn(run=str(home / "runs" / "none"), steps=4), CommandFailed)
        assert "is not a run" in failed.message

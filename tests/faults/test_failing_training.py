"""Faults 15 to 17: losses that are not finite, memory that runs out, an accelerator that fails; on a real engine."""

import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_process import EngineProcess
from fault_engine import SHORT, folder_in, learned, same_curves, start, status

from benchmarks.soak import faulty_engine
from benchmarks.soak.faulty_engine import give_cue
from gmstudio.families import FAMILIES
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import DEVICE_LOST, CommandFailed, Done, Reason
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import HistoryAppended, ListRuns, OpenRun, RunOpened, RunsListed
from gmstudio.protocol.runs_branching import BranchRun
from gmstudio.protocol.training import (
    ChangeTraining,
    PauseTraining,
    ResumeRun,
    ResumeTraining,
    StartTraining,
    StopTraining,
    TrainingChanged,
)
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.lock import is_locked

pytestmark = pytest.mark.slow
SMALL: dict[str, dict[str, Any]] = {
    "nade": {"num_hidden": 4},
    "made": {"num_hidden": 8, "num_layers": 1},
    "pixelrnn_row": {"num_channels": 2, "num_layers": 1},
    "pixelrnn_diagonal": {"num_channels": 2, "num_layers": 1},
    "pixelcnn": {"num_channels": 2, "num_blocks": 1},
    "gated_pixelcnn": {"num_channels": 2, "num_head_channels": 2, "num_layers": 1},
    "realnvp": {"num_channels": 2, "num_couplings": 1},
    "vae": {"num_hidden": 8, "num_latent": 2},
    "ddpm": {"num_channels": 4, "num_timesteps": 5},
    "gsn": {"num_hidden": 8},
    "gan": {"num_hidden": 8},
}
QUICK = {**SHORT, "steps": 6, "checkpoint_every": 2, "validate_every": 100, "sample_every": 100, "num_samples": 1}
FOREVER = {"steps": 1_000_000, "checkpoint_every": 20, "validate_every": 10_000, "sample_every": 10_000}
IMAGE = ImageSpec(channels=1, height=8, width=8, levels=2)
MIB = 1 << 20


def phases_of(family: str) -> list[str]:
    """Names of the phases of a family's training."""
    kind = FAMILIES[family]
    return [phase.name for phase in kind(kind.Config(**SMALL.get(family, {})), IMAGE).phases()]


class FaultyEngine(EngineProcess):
    """An engine with a file that has something fail."""

    def __init__(self, home: Path) -> None:
        self.cue = home / "cue"
        super().__init__(home, command=faulty_engine.command(self.cue))

    def train(self, family: str, **training: Any) -> str:
        """Start a training; the run's identity."""
        settings = {**QUICK, **training}
        config = SMALL.get(family, {})
        spec = RunSpec(family=family, config=config, data="digits", data_config={"levels": 2}, training=settings)
        return self.ask(StartTraining(spec=spec), RunOpened).info.run

    def end_training(self) -> None:
        self.cue.unlink(missing_ok=True)
        stop = self.send(StopTraining())
        self.wait(Event, lambda event: event.request == stop)


@pytest.fixture(scope="module")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyEngine]:
    with FaultyEngine(tmp_path_factory.mktemp("faulty")) as engine:
        yield engine


@pytest.fixture
def engine(shared_engine: FaultyEngine) -> Iterator[FaultyEngine]:
    yield shared_engine
    shared_engine.end_training()


def going_on(engine: EngineProcess, failure: TrainingChanged) -> str:
    """Train on as the engine proposes; the branch."""
    assert failure.remedy is not None
    branch = BranchRun(run=failure.run, step=failure.remedy.step, training=failure.remedy.training)
    return engine.ask(branch, RunOpened).info.run


@pytest.mark.parametrize(("family", "fault"), [*((name, "nan") for name in FAMILIES), ("vae", "inf"), ("gan", "inf")])
def test_a_loss_that_is_not_finite_ends_the_run_at_its_step_with_the_last_good_checkpoint(
    engine: FaultyEngine, family: str, fault: str
) -> None:
    for phase in phases_of(family):
        give_cue(engine.cue, fault, phase, start=4)
        check_divergence(engine, engine.train(family), "NaN" if fault == "nan" else "∞")


def check_divergence(engine: FaultyEngine, run: str, symbol: str) -> None:
    failed = status(engine, "failed")
    assert f"became {symbol}" in failed.message and "at step 4." in failed.message, failed.message
    assert "Lower the learning rate" in failed.message and "The checkpoint of step 2 is kept." in failed.message
    assert failed.remedy is not None and failed.remedy.step == 2
    assert failed.remedy.words.startswith("learning rate")
    folder = folder_in(engine.home, run)
    assert not is_locked(folder)
    with RunFolder.open(folder) as kept:
        assert kept.record.status == "failed" and kept.record.message == failed.message
        weights = kept.checkpoints.load().tensors["model"]
    assert all(np.isfinite(array).all() for array in weights.values() if array.dtype.kind == "f")


def test_a_diverged_training_goes_on_from_its_checkpoint_at_a_lower_rate(engine: FaultyEngine) -> None:
    give_cue(engine.cue, "nan", "loss", start=4)
    engine.train("vae")
    failed = status(engine, "failed")
    engine.cue.unlink()
    branch = going_on(engine, failed)
    assert status(engine, "finished").run == branch
    with RunFolder.open(folder_in(engine.home, branch)) as run:
        assert run.record.training.learning_rate == pytest.approx(1e-4) and run.record.training.grad_clip == 1.0
    same_curves(learned(folder_in(engine.home, branch)), 6)


def test_an_accelerator_out_of_memory_offers_half_the_batch_and_stays_usable(engine: FaultyEngine) -> None:
    give_cue(engine.cue, "out of memory", "loss", start=4, above=16)
    run = engine.train("vae")
    failed = status(engine, "failed")
    assert "There is not enough memory for this; make the batch" in failed.message
    assert "The checkpoint of step 2 is kept." in failed.message
    assert failed.remedy is not None and failed.remedy.training == {"batch_size": 16}
    assert engine.ask(OpenRun(run=run), RunOpened).info.status == "failed"
    branch = going_on(engine, failed)
    assert status(engine, "finished").run == branch, "16 images are no more than fit"
    same_curves(learned(folder_in(engine.home, branch)), 6)


def test_a_slider_out_of_memory_fails_by_name_and_the_training_goes_on(engine: FaultyEngine) -> None:
    run = engine.train("vae", **FOREVER)
    give_cue(engine.cue, "out of memory", "decode", above=2)  # codes are decoded in growing pieces: 1, 2, 4
    codes = Array.of(np.zeros((9, 2), np.float32))
    few = Array.of(np.zeros((2, 2), np.float32))
    failed = engine.ask(Decode(run=run, codes=codes), CommandFailed)
    assert failed.reason is Reason.OUT_OF_MEMORY and "make the batch, the images or the model smaller" in failed.message
    first = engine.ask(Decode(run=run, codes=few), Decoded)
    while engine.ask(Decode(run=run, codes=few), Decoded).step == first.step:
        engine.wait(HistoryAppended)  # it trains on


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process that runs")
def test_a_machine_out_of_memory_offers_half_the_batch_and_stays_usable(home: Path) -> None:
    """The limit of the process stands for the machine's: torch's allocation fails where the system refuses it."""
    with EngineProcess(home) as engine:
        large = {"num_channels": 256, "num_blocks": 1}
        spec = RunSpec(family="pixelcnn", config=large, data="digits", training={**QUICK, **FOREVER, "batch_size": 1})
        run = engine.ask(StartTraining(spec=spec), RunOpened).info.run
        engine.ask(PauseTraining(), Done)
        engine.ask(ChangeTraining(run=run, training={"batch_size": 1024}), Done)
        before = resource.prlimit(engine.process.pid, resource.RLIMIT_DATA)
        taken = next(
            int(line.split()[1]) * 1024
            for line in Path(f"/proc/{engine.process.pid}/status").read_text().splitlines()
            if line.startswith("VmData")
        )
        resource.prlimit(engine.process.pid, resource.RLIMIT_DATA, (taken + 150 * MIB, before[1]))
        engine.send(ResumeTraining())
        failed = status(engine, "failed")
        resource.prlimit(engine.process.pid, resource.RLIMIT_DATA, before)
        assert "There is not enough memory for this; make the batch" in failed.message, failed
        assert failed.remedy is not None and failed.remedy.training["batch_size"] == 512
        assert engine.ask(OpenRun(run=run), RunOpened).info.checkpoint_steps
        start(engine, steps=2)
        assert status(engine, "finished").step == 2, "the engine is usable"


@pytest.mark.parametrize("place", ["loss", "decode"])
def test_a_failed_accelerator_ends_the_engine_and_the_run_resumes_in_the_next(home: Path, place: str) -> None:
    with FaultyEngine(home) as engine:
        run = engine.train("vae", **FOREVER)
        engine.wait(HistoryAppended, lambda e: any(s.split == "train" and s.steps.numpy()[-1] > 20 for s in e.series))
        give_cue(engine.cue, "device", place)
        engine.send(Decode(run=run, codes=Array.of(np.zeros((1, 2), np.float32))))
        assert engine.process.wait(30) == DEVICE_LOST
        assert "device-side assert triggered" in engine.stderr()
    assert not is_locked(folder_in(home, run))
    with EngineProcess(home) as engine:
        (info,) = engine.ask(ListRuns(), RunsListed).runs
        assert info.status == "interrupted" and info.checkpoint_steps[-1] >= 20
        engine.ask(ResumeRun(run=run), RunOpened)
        engine.ask(StopTraining(), Done)
    with RunFolder.open(folder_in(home, run)) as kept:
        last = kept.record.step
    same_curves(learned(folder_in(home, run)), last)

"""Faults 23 and 24: a clock that jumps; places with spaces, other scripts, signs, names of 200 characters."""

import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from engine_process import EngineProcess
from fault_engine import VAE, folder_in, learned, same_curves, start, status
from PIL import Image

from benchmarks.soak import faulty_engine
from benchmarks.soak.faulty_engine import give_cue
from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import Done
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import (
    HistoryAppended,
    ListRuns,
    OpenRun,
    RestoreRun,
    RunDescribed,
    RunOpened,
    RunsListed,
    RunTrashed,
    TrashRun,
)
from gmstudio.protocol.runs_exports import ExportRun, RunExported
from gmstudio.protocol.training import PaceTraining, ResumeRun, StartTraining, StopTraining
from gmstudio.runs.clock import StepTimes
from gmstudio.runs.folder import RunFolder
from gmstudio.window.state.training.curves import PER_UNIT, positions_on
from gmstudio.window.state.training.history import RunHistory

pytestmark = pytest.mark.slow
HOUR_S = 3600
ENDLESS = {"steps": 1_000_000, "validate_every": 50, "sample_every": 10_000, "checkpoint_every": 50}


def until(engine: EngineProcess, step: int) -> None:
    engine.wait(HistoryAppended, lambda e: any(s.split == "train" and s.steps.numpy()[-1] >= step for s in e.series))


def test_a_clock_that_jumps_by_an_hour_either_way_changes_no_elapsed_time(home: Path) -> None:
    cue = home / "cue"
    with EngineProcess(home, command=faulty_engine.command(cue)) as engine:
        run = start(engine, **ENDLESS)
        engine.ask(PaceTraining(steps_per_s=100), Done)
        until(engine, 60)
        give_cue(cue, "clock", "", above=HOUR_S)  # also what a system that keeps local time does in spring
        until(engine, 120)
        give_cue(cue, "clock", "", above=-HOUR_S)  # and in autumn
        until(engine, 180)
        (info,) = engine.ask(ListRuns(), RunsListed).runs
        assert info.status == "running"
        engine.ask(StopTraining(), Done)
        engine.ask(ResumeRun(run=run), RunOpened)
        cue.unlink()
        until(engine, 240)
        engine.ask(StopTraining(), Done)
        history = RunHistory()
        opened = engine.ask(OpenRun(run=run), RunOpened)
        history.merge(engine.wait(HistoryAppended, lambda event: event.request == opened.request))
    with RunFolder.open(folder_in(home, run)) as kept:
        last = kept.record.step
        assert kept.record.status == "stopped" and datetime.fromisoformat(kept.record.created).tzinfo is not None
        assert np.isfinite(StepTimes(kept.history, kept.record).at(np.array([1, 100, last]))).all()
    same_curves(learned(folder_in(home, run)), last)
    steps = np.arange(1, last + 1)
    elapsed = positions_on("time", steps, history, lambda made: made * 32, 0)
    assert elapsed is not None and (np.diff(elapsed) >= 0).all()
    assert 0 < elapsed[-1] / PER_UNIT < 120, "seconds of training, without the hours"


NAMES = {
    "signs and other scripts": "Läufe, Zoë's a=b & 100 % #1 [x] {y} (z) ~$HOME; 模型 обучение ☃ 𝔘",
    "200 characters": "x" * 200,
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_the_whole_journey_in_places_with_unusual_names(tmp_path: Path, name: str) -> None:
    home, data, target = (tmp_path / part / name for part in ("home", "data", "target"))
    for folder in (home, data, target):
        folder.mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (24, 8, 8), np.uint8)
    for number, pixels in enumerate(images):
        Image.fromarray(pixels).save(data / f"{number} {name[:60]}.png")
    with EngineProcess(home) as engine:
        training = {"steps": 6, "batch_size": 8, "num_samples": 1, "validation_images": 4}
        spec = RunSpec(family="vae", config=VAE, data="images", data_config={"folder": str(data)}, training=training)
        run = engine.ask(StartTraining(spec=spec), RunOpened).info.run
        status(engine, "finished")
        folder_in(home, run).rename(home / "runs" / name)
        (info,) = engine.ask(ListRuns(), RunsListed).runs
        assert info.run == name, "it has the name of its folder"
        assert engine.ask(OpenRun(run=name), RunOpened).info.step == 6
        assert engine.ask(Decode(run=name, codes=Array.of(np.zeros((1, 2), np.float32))), Decoded).step == 6
        file = target / f"{name[:200]}.csv"
        exported = engine.ask(ExportRun(run=name, form="csv", target=str(file)), RunExported)
        assert Path(exported.target) == file and file.stat().st_size > 100
        engine.ask(ResumeRun(run=name, steps=9, schedule="stretch"), RunOpened)
        assert status(engine, "finished").step == 9
        trashed = engine.ask(TrashRun(run=name), RunTrashed)
        assert engine.ask(ListRuns(), RunsListed).runs == ()
        assert engine.ask(RestoreRun(run=name, place=trashed.place), RunDescribed).info.run == name
        assert engine.ask(Decode(run=name, codes=Array.of(np.zeros((1, 2), np.float32))), Decoded).step == 9
        assert engine.close() == 0
    assert sys.platform == "win32" or [path.name for path in (home / "runs").iterdir() if path.is_dir()] == [name]

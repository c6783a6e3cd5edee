"""Surfaces while a run trains: when they are recorded, resumed runs, and that the training itself is unchanged."""

from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from plane_models import LEVELS, point_data, point_model

from gmstudio.data.dataset import Dataset
from gmstudio.engine.plane import recording
from gmstudio.engine.plane.grid import grid_of_data
from gmstudio.engine.plane.recorded import draw_recorded, list_recorded
from gmstudio.engine.plane.recording import SurfaceRecorder, is_due, recorder_for
from gmstudio.engine.plane.rules import surface_of
from gmstudio.engine.training.trainer import Trainer
from gmstudio.protocol.base import Event
from gmstudio.protocol.plane import DrawSurface, ListSurfaces, SurfaceRecorded
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunMissingError, new_record
from gmstudio.runs.surfaces import list_surfaces

STEPS = 30
QUICK = {"steps": STEPS, "batch_size": 32, "validate_every": 10, "sample_every": 10, "checkpoint_every": 10}


@pytest.fixture(autouse=True)
def plenty_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "LEAST_S", 60.0)


def trainer_at(path: Path, family: str = "made", data: Dataset | None = None) -> Trainer:
    data, model = data or point_data(), point_model(family)
    spec = RunSpec(family=family, config=msgspec.to_builtins(model.config), data="points", training=QUICK)
    return Trainer(RunFolder.create(path, new_record(spec, image=data.image, device="cpu")), model, data)


def train(trainer: Trainer, steps: int = STEPS) -> list[Event]:
    events: list[Event] = []
    for piece in trainer.pieces():
        events += piece.events
        if trainer.step >= steps and piece.at_step_boundary and not trainer.finished:
            events += trainer.checkpoint()
            break
    return events


def test_surfaces_are_due_often_at_first_and_then_regularly() -> None:
    training = Training(steps=8000, sample_every=1000)
    due = [step for step in range(8001) if is_due(step, training)]
    assert due[:9] == [0, 1, 2, 5, 10, 20, 50, 100, 200]
    assert set(np.diff(due[8:]).tolist()) == {100} and due[-1] == 8000
    odd = Training(steps=77, sample_every=10)
    assert is_due(77, odd) and is_due(0, odd)
    assert not is_due(3, Training(steps=8000, sample_every=1000))
    assert is_due(10, Training(steps=8000, sample_every=10))


def test_a_run_of_points_records_its_surface(tmp_path: Path) -> None:
    trainer = trainer_at(tmp_path / "run")
    events = [event for event in train(trainer) if isinstance(event, SurfaceRecorded)]
    trainer.close()
    assert [event.step for event in events] == list(range(STEPS + 1))  # 30 steps make an interval of 1
    assert all(a.seconds <= b.seconds for a, b in pairwise(events)) and events[-1].seconds > 0
    assert events[-1].metrics.forward_kl < events[0].metrics.forward_kl
    with RunFolder.open(tmp_path / "run") as run:
        listed = list_recorded(run, ListSurfaces(run="/run"))
        shown = draw_recorded(run, DrawSurface(run="/run", step=STEPS), STEPS)
    assert listed.steps.numpy().tolist() == [event.step for event in events]
    assert np.allclose(listed.metrics["forward_kl"].numpy(), [event.metrics.forward_kl for event in events])
    present = surface_of(trainer.model, grid_of_data(trainer.model, point_data()))
    assert present is not None and np.allclose(shown.values.numpy(), present.values, rtol=1e-3)
    assert shown.weights_step == STEPS and shown.method == "exact" and shown.metrics == events[-1].metrics


def test_the_surface_of_the_last_recorded_step_before_is_shown(tmp_path: Path) -> None:
    trainer = trainer_at(tmp_path / "run")
    train(trainer)
    trainer.close()
    with RunFolder.open(tmp_path / "run") as run:
        assert draw_recorded(run, DrawSurface(run="/run"), 999).weights_step == STEPS
    other = trainer_at(tmp_path / "images", "made", without_axes())
    train(other)
    other.close()
    with RunFolder.open(tmp_path / "images") as run:
        assert list_recorded(run, ListSurfaces(run="/run")).steps.shape == (0,)
        with pytest.raises(RunMissingError, match="no recorded surfaces"):
            draw_recorded(run, DrawSurface(run="/run"), 3)


def without_axes() -> Dataset:
    data = point_data()
    return Dataset(data.source, {}, data.image, data.train, data.valid, data.test)


def test_a_resumed_run_drops_what_lies_after_its_checkpoint(tmp_path: Path) -> None:
    first = trainer_at(tmp_path / "run")
    train(first, 12)
    first.close()  # the checkpoint is of step 12
    with RunFolder.open(tmp_path / "run", write=True) as run:
        seconds = [entry.seconds for entry in list_surfaces(run.history)]
        later = SurfaceRecorder(run, point_model("made"), point_data())
        assert len([event for event in later.record(20) if event is not None]) == 1
    run = RunFolder.open(tmp_path / "run", write=True)
    again = Trainer(run, point_model("made"), point_data())
    again.restore()
    again.discard_later()
    assert [entry.step for entry in list_surfaces(run.history)] == list(range(13))
    train(again)
    entries = list_surfaces(run.history)
    again.close()
    assert [entry.step for entry in entries] == list(range(STEPS + 1))
    assert [entry.seconds for entry in entries[:13]] == seconds and entries[13].seconds >= seconds[-1]


@pytest.mark.parametrize("family", ["made", "realnvp", "vae", "rbm", "gan", "gsn", "ddpm"])
def test_recording_changes_nothing_in_the_training(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    recorded = trainer_at(tmp_path / "recorded", family)
    events = train(recorded, 3)
    recorded.close()
    assert any(isinstance(event, SurfaceRecorded) for event in events)
    monkeypatch.setattr("gmstudio.engine.training.evaluations.recorder_for", lambda *_: None)
    torch.manual_seed(0)
    plain = trainer_at(tmp_path / "plain", family)
    train(plain, 3)
    plain.close()
    for name, value in plain.model.state_dict().items():
        assert torch.equal(value, recorded.model.state_dict()[name]), name


def test_recording_waits_for_its_share_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "LEAST_S", 0.0)
    data, model = point_data(), point_model("made")
    spec = RunSpec(family="made", config=msgspec.to_builtins(model.config), data="points", training=QUICK)
    with RunFolder.create(tmp_path / "run", new_record(spec, image=data.image, device="cpu")) as run:
        recorder = SurfaceRecorder(run, model, data)
        assert any(recorder.record(0))  # its duration is unknown yet
        assert not any(recorder.record(1))
        recorder.trained(1000.0)
        assert any(recorder.record(2))
        assert list_surfaces(run.history)[-1].seconds == 1000.0


def test_the_surfaces_of_a_short_training_are_spread_over_its_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "LEAST_S", 0.25)
    monkeypatch.setattr(recording, "LAST_S", 0.0)
    data, model = point_data(), point_model("made")
    spec = RunSpec(family="made", config={}, data="points", training={**QUICK, "steps": 400, "sample_every": 400})
    with RunFolder.create(tmp_path / "run", new_record(spec, image=data.image, device="cpu")) as run:
        recorder, clock = SurfaceRecorder(run, model, data), iter(range(10**6))
        monkeypatch.setattr(recording.time, "perf_counter", lambda: next(clock) * 0.005)
        for step in range(401):
            list(recorder.record(step))
        steps = [entry.step for entry in list_surfaces(run.history)]
    assert 5 <= len(steps) <= 30 and steps[0] == 0 and steps[-1] > 200
    assert max(b - a for a, b in pairwise(steps)) <= 120


def test_more_samples_are_counted_where_there_is_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "LEAST_S", 0.0)
    data, model = point_data(), point_model("gan")
    spec = RunSpec(family="gan", config=msgspec.to_builtins(model.config), data="points", training=QUICK)
    with RunFolder.create(tmp_path / "run", new_record(spec, image=data.image, device="cpu")) as run:
        recorder = recorder_for(run, model, data)
        assert recorder is not None and any(recorder.record(0))
        recorder.trained(1000.0)
        assert any(recorder.record(1))
        notes = [draw_recorded(run, DrawSurface(run="/run"), step).note for step in (0, 1)]
    assert notes[0].startswith("400 samples") and notes[1].startswith("20,000 samples")


def test_weights_that_diverged_leave_no_surface(tmp_path: Path) -> None:
    data, model = point_data(), point_model("made")
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    spec = RunSpec(family="made", config=msgspec.to_builtins(model.config), data="points", training=QUICK)
    with RunFolder.create(tmp_path / "run", new_record(spec, image=data.image, device="cpu")) as run:
        assert not any(SurfaceRecorder(run, model, data).record(0))
        assert list_surfaces(run.history) == []


def test_a_family_without_density_records_nothing(tmp_path: Path) -> None:
    trainer = trainer_at(tmp_path / "run", "autoencoder")
    assert recorder_for(trainer.run, trainer.model, point_data()) is None
    trainer.close()
    assert point_data().image.levels == LEVELS

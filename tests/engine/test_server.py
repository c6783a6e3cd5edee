"""The engine as a process: commands in, events out, whatever happens."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_process import EngineProcess
from server_scene import start, status, training

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.chains import RunTrajectory, TrajectoryAppended
from gmstudio.protocol.data import BrowseData, DataBrowsed, DescribeModel, ModelDescribed
from gmstudio.protocol.engine import (
    Cancel,
    ChooseDevice,
    CommandFailed,
    Done,
    EngineReported,
    Ping,
    Pong,
    Reason,
)
from gmstudio.protocol.frames import PROTOCOL_VERSION
from gmstudio.protocol.latents import ComputeDimensionStats, Decode, Decoded, DimensionStatsComputed, Encode, Encoded
from gmstudio.protocol.pixels import (
    AdvancePixels,
    ContinuePixels,
    OpenPixels,
    PixelsContinued,
    PixelsMoved,
    PixelsOpened,
)
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import (
    ChooseCheckpoint,
    FetchSamples,
    HistoryAppended,
    ListRuns,
    OpenRun,
    RunDescribed,
    RunOpened,
    RunsListed,
    SamplesDrawn,
)
from gmstudio.protocol.training import (
    CheckpointSaved,
    KeepCheckpoint,
    PauseTraining,
    ResumeTraining,
    StartTraining,
    StepTraining,
    StopTraining,
    TrainingChanged,
)
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.lock import is_locked


@pytest.fixture(scope="module")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with EngineProcess(tmp_path_factory.mktemp("engine")) as process:
        yield process


@pytest.fixture
def engine(shared_engine: EngineProcess) -> Any:
    """An engine in which nothing trains; starting one takes seconds, so tests that leave it whole share it."""
    shared_engine.seen.clear()
    yield shared_engine
    stopped = shared_engine.send(StopTraining())
    shared_engine.wait(Event, lambda e: isinstance(e, CommandFailed | TrainingChanged) and _is_end(e, stopped))


def _is_end(event: Event, request: int) -> bool:
    if isinstance(event, TrainingChanged):
        return event.status == "stopped"
    return event.request == request


def test_the_catalog_names_families_data_and_devices(engine: EngineProcess) -> None:
    catalog = engine.catalog
    assert catalog.protocol == PROTOCOL_VERSION
    assert catalog.pid == engine.process.pid
    entries = {entry.card.name: entry for entry in catalog.families}
    assert {"pixelcnn", "vae", "gan"} <= entries.keys()
    assert "pixel_session" in entries["pixelcnn"].capabilities
    assert "decode" not in entries["pixelcnn"].capabilities
    assert {"encode", "decode", "elbo"} <= set(entries["vae"].capabilities)
    assert {"decode", "discriminate"} <= set(entries["gan"].capabilities)
    assert "log_prob" not in entries["gan"].capabilities
    assert "beta" in entries["vae"].config_schema["properties"]
    assert {entry.name for entry in catalog.data} >= {"digits", "idx"}
    assert {"auto", "cpu"} <= set(catalog.devices)


def test_ping_is_answered_while_training(engine: EngineProcess) -> None:
    start(engine, "pixelcnn")
    assert engine.ask(Ping(), Pong)


def test_pause_step_resume_stop(engine: EngineProcess) -> None:
    run = start(engine, "vae")
    engine.wait(HistoryAppended, lambda event: not event.reset)
    engine.send(PauseTraining())
    paused = status(engine, "paused")
    assert engine.wait(EngineReported).state == "paused"
    engine.send(StepTraining(count=3))
    assert status(engine, "paused").step == paused.step + 3
    engine.send(StepTraining())
    assert status(engine, "paused").step == paused.step + 4
    engine.send(ResumeTraining())
    assert status(engine, "running").step == paused.step + 4
    engine.wait(HistoryAppended, lambda event: not event.reset)
    engine.send(StopTraining())
    stopped = status(engine, "stopped")
    assert engine.wait(EngineReported).state == "idle"
    with RunFolder.open(engine.folder(run)) as folder:
        assert folder.checkpoints.load().step == stopped.step
    assert not is_locked(engine.folder(run))


def test_every_command_to_a_training_is_answered(engine: EngineProcess) -> None:
    start(engine, "vae")
    for command in (PauseTraining(), StepTraining(), ResumeTraining(), StopTraining()):
        assert engine.ask(command, Done)


def test_a_second_training_is_refused(engine: EngineProcess) -> None:
    start(engine, "vae")
    failed = engine.ask(training("gan"), CommandFailed)
    assert "is in training" in failed.message and not failed.detail


def test_commands_without_a_training_are_refused(engine: EngineProcess) -> None:
    for command in (PauseTraining(), ResumeTraining(), StopTraining(), StepTraining()):
        assert "Nothing is in training" in engine.ask(command, CommandFailed).message


def test_bad_settings_are_refused_field_by_field(engine: EngineProcess) -> None:
    spec = RunSpec(
        family="pixelcnn",
        config={"num_blocks": -1},
        data="digits",
        data_config={"levels": 3},
        training={"steps": 0},
    )
    failed = engine.ask(StartTraining(spec=spec), CommandFailed)
    assert set(failed.fields) == {"config.num_blocks", "data_config.levels", "training.steps"}
    assert "-1" in failed.fields["config.num_blocks"]
    missing = StartTraining(spec=RunSpec(family="pixelrcnn", data="digits"))
    assert "pixelrcnn" in engine.ask(missing, CommandFailed).message


def test_models_are_described_without_allocating_them(engine: EngineProcess) -> None:
    for entry in engine.catalog.families:
        command = DescribeModel(spec=RunSpec(family=entry.card.name, data="digits"))
        described = engine.ask(command, ModelDescribed)
        assert described.num_parameters > 100 and described.image.height == 8


def test_data_is_browsed(engine: EngineProcess) -> None:
    command = BrowseData(data="digits", data_config={"levels": 4}, split="valid", start=3, count=5)
    browsed = engine.ask(command, DataBrowsed)
    assert browsed.images.numpy().shape == (5, 1, 8, 8)
    assert browsed.images.numpy().max() <= 3
    assert browsed.labels is not None and browsed.labels.numpy().shape == (5,)
    assert sum(browsed.sizes.values()) == 1797
    past = BrowseData(data="digits", data_config={}, split="test", start=10**9, count=5)
    assert engine.ask(past, DataBrowsed).images.shape[0] == 0
    broken = BrowseData(data="idx", data_config={"folder": "/nonexistent/folder"})
    assert "/nonexistent/folder" in engine.ask(broken, CommandFailed).fields["data_config.folder"]


def test_a_damaged_file_is_laid_to_the_folder(engine: EngineProcess, tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"\x00\x00\x08\x03\x00\x00")
    broken = {"folder": str(tmp_path)}
    for command in (
        BrowseData(data="idx", data_config=broken),
        DescribeModel(spec=RunSpec(family="vae", data="idx", data_config=broken)),
    ):
        failed = engine.ask(command, CommandFailed)
        assert "train-images-idx3-ubyte is cut short" in failed.fields["data_config.folder"]
        assert failed.message == failed.fields["data_config.folder"]


def test_an_unknown_device_is_refused(engine: EngineProcess) -> None:
    assert "tpu" in engine.ask(ChooseDevice(device="tpu"), CommandFailed).message
    assert engine.ask(ChooseDevice(device="cpu"), Done)


def test_pixels_are_stepped_while_training(engine: EngineProcess) -> None:
    run = start(engine, "pixelcnn")
    request = engine.send(OpenPixels(run=run, seed=4))
    opened = engine.wait(PixelsOpened, lambda event: event.request == request)
    moved = engine.wait(PixelsMoved, lambda event: event.request == request)
    assert moved.step == 0 and moved.conditional.numpy().sum() == pytest.approx(1.0, abs=1e-5)
    moved = engine.ask(AdvancePixels(session=opened.session, count=5), PixelsMoved)
    assert moved.step == 5 and moved.nats.shape == (5,)
    request = engine.send(ContinuePixels(session=opened.session, count=3, seed=1))
    done = engine.wait(PixelsContinued, lambda event: event.request == request and event.done)
    continuations = done.images.numpy()
    assert continuations.shape == (3, 1, 8, 8)
    assert (continuations.reshape(3, -1)[:, :5] == moved.image.numpy().reshape(-1)[:5]).all()
    assert status_is_running(engine)


def status_is_running(engine: EngineProcess) -> bool:
    return engine.wait(EngineReported).state in ("training", "busy")


def test_latents_are_decoded_while_training_and_after(engine: EngineProcess) -> None:
    run = start(engine, "vae")
    dims = next(e for e in engine.seen if isinstance(e, RunOpened)).latent
    assert dims is not None
    codes = Array.of(np.zeros((2, dims.num_dims), np.float32))
    decoded = engine.ask(Decode(run=run, codes=codes), Decoded)
    assert decoded.images.numpy().shape == (2, 1, 8, 8)
    encoded = engine.ask(Encode(run=run, index=1), Encoded)
    assert encoded.code.shape == (dims.num_dims,) and encoded.deviation is not None
    measured = engine.ask(ComputeDimensionStats(run=run), DimensionStatsComputed)
    assert measured.kl is not None and measured.pixel_change.shape == (dims.num_dims,)
    engine.send(StopTraining())
    stopped = status(engine, "stopped")
    decoded = engine.ask(Decode(run=run, codes=codes), Decoded)
    assert decoded.step == stopped.step
    assert "PixelCNN" not in engine.ask(OpenPixels(run=run), CommandFailed).message.split(";")[0]


def test_a_discriminator_scores_what_is_decoded(engine: EngineProcess) -> None:
    run = start(engine, "gan")
    latent = next(e for e in engine.seen if isinstance(e, RunOpened)).latent
    assert latent is not None
    decoded = engine.ask(
        Decode(run=run, codes=Array.of(np.zeros((1, latent.num_dims), np.float32)), measure=True), Decoded
    )
    critic = next(found for found in decoded.metrics if found.metric.symbol == "D(x)")
    assert 0 <= critic.values.numpy()[0] <= 1
    assert "GAN" in engine.ask(Encode(run=run), CommandFailed).message


def test_a_trajectory_is_cancelled(engine: EngineProcess) -> None:
    run = start(engine, "rbm")
    engine.ask(PauseTraining(), Done)
    request = engine.send(RunTrajectory(run=run, count=1, steps=10_000))
    engine.wait(TrajectoryAppended, lambda event: event.request == request and not event.done)
    cancel = engine.send(Cancel(target=request))
    failed = engine.wait(CommandFailed, lambda event: event.request == request)
    assert failed.reason is Reason.CANCELLED
    engine.wait(Done, lambda event: event.request == cancel)


def test_what_is_missing_has_a_reason(engine: EngineProcess, tmp_path: Path) -> None:
    missing = engine.ask(OpenRun(run=str(tmp_path / "gone")), CommandFailed)
    assert missing.reason is Reason.RUN_MISSING
    refused = engine.ask(PauseTraining(), CommandFailed)
    assert refused.reason is Reason.NOT_POSSIBLE


def test_runs_are_listed_opened_and_their_samples_fetched(engine: EngineProcess) -> None:
    run = start(engine, "vae", steps=60, sample_every=20)
    finished = status(engine, "finished")
    assert finished.step == 60
    listed = engine.ask(ListRuns(), RunsListed)
    (info,) = [info for info in listed.runs if info.run == run]
    assert (info.run, info.status, info.step) == (run, "finished", 60)
    opened = engine.ask(OpenRun(run=run), RunOpened)
    assert not opened.live and opened.sample_steps == (0, 20, 40, 60)
    history = engine.wait(HistoryAppended, lambda event: event.request == opened.request)
    assert history.reset
    curves = {(s.split, s.name): s.steps.numpy() for s in history.series}
    assert curves["train", "loss"].tolist() == list(range(1, 61))
    assert engine.ask(FetchSamples(run=run), SamplesDrawn).step == 60
    drawn = engine.ask(FetchSamples(run=run, step=39), SamplesDrawn)
    assert drawn.step == 20 and drawn.kept == (0, 20, 40, 60)
    assert "no run" in engine.ask(OpenRun(run=run + "-x"), CommandFailed).message


def test_a_kept_checkpoint_is_not_deleted(engine: EngineProcess) -> None:
    run = start(engine, "vae", checkpoint_every=10)
    engine.wait(HistoryAppended, lambda event: not event.reset)
    request = engine.send(KeepCheckpoint(run=run))
    marked = engine.wait(CheckpointSaved, lambda event: event.kept).step
    engine.wait(Done, lambda event: event.request == request)
    engine.wait(CheckpointSaved, lambda event: event.step > marked + 40)
    with RunFolder.open(engine.folder(run)) as folder:
        kept = [info.step for info in folder.checkpoints.list()]
    assert marked in kept and len(kept) > 3, "some are kept for time travel, too"
    decode = Decode(run=run, codes=Array.of(np.zeros((1, 10), np.float32)))
    assert engine.ask(decode, Decoded).step > marked
    refused = engine.ask(ChooseCheckpoint(run=run, step=3), CommandFailed).message
    assert "no checkpoint of step 3; it has 0, " in refused
    travelled = next(step for step in kept if step != marked)
    engine.ask(ChooseCheckpoint(run=run, step=travelled), Done)
    assert engine.ask(decode, Decoded).step == travelled, "any checkpoint on the disk is explored"
    engine.ask(ChooseCheckpoint(run=run, step=marked), Done)
    assert engine.ask(decode, Decoded).step == marked  # while it trains on
    engine.ask(StopTraining(), Done)
    assert engine.ask(decode, Decoded).step == marked
    request = engine.send(KeepCheckpoint(run=run, keep=False, step=marked))
    released = engine.wait(RunDescribed).info
    engine.wait(Done, lambda event: event.request == request)
    assert marked not in released.kept_steps
    assert engine.ask(decode, Decoded).step > marked, "a released checkpoint is not explored any more"
    engine.ask(ChooseCheckpoint(run=run, step=None), Done)
    assert engine.ask(decode, Decoded).step > marked

"""Checkpoints on a slow disk: their commands wait in jobs, and the engine's loop goes on."""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from density_engine import STEP, write_run

from gmstudio.engine import server as server_module
from gmstudio.engine.runtime.models import KEPT_READINGS, ModelCache
from gmstudio.engine.server import Server
from gmstudio.engine.wire import Wire
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import CommandFailed, Done
from gmstudio.protocol.features import FeatureLayersListed, ListFeatureLayers
from gmstudio.protocol.training import KeepCheckpoint
from gmstudio.runs.checkpoints import Checkpoint, CheckpointStore
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunError


class SlowDisk:
    """Checkpoints of all runs that are read only once the disk is released."""

    def __init__(self) -> None:
        self.released, self.readings = threading.Event(), list[str]()

    def load(self, store: CheckpointStore, *arguments: Any) -> Checkpoint:
        """Read a checkpoint, as ``CheckpointStore.load`` does."""
        self.readings.append(threading.current_thread().name)
        assert self.released.wait(20.0)
        return _load(store, *arguments)


_load = CheckpointStore.load


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    slow = SlowDisk()
    monkeypatch.setattr(CheckpointStore, "load", lambda *arguments: slow.load(*arguments))
    monkeypatch.setattr(server_module, "QUICK_S", 0.001)
    yield slow
    slow.released.set()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_run(tmp_path_factory.mktemp("runs") / "vae", "vae", num_hidden=4).run


def serving(sent: list[Event]) -> Server:
    """A server whose events are collected."""
    return Server(cast(Wire, SimpleNamespace(send=sent.append)))


def answers(server: Server, sent: list[Event], command: Command) -> list[Event]:
    """Handle a command; the replies so far."""
    server._handle(command)
    return [event for event in sent if event.request == command.request]


@pytest.mark.parametrize(
    ("command", "reply"),
    [(ListFeatureLayers, FeatureLayersListed), (KeepCheckpoint, Done)],
    ids=["a model that is explored", "the newest checkpoint is kept"],
)
def test_the_loop_goes_on_while_a_checkpoint_is_read(
    disk: SlowDisk, run: str, command: Any, reply: type[Event]
) -> None:
    sent: list[Event] = []
    server = serving(sent)
    assert not answers(server, sent, command(request=5, run=run))
    for _ in range(3):
        server._advance()
    assert not [event for event in sent if event.request == 5] and server._busy()
    disk.released.set()
    while server._busy():
        server._advance()
    assert [type(event) for event in sent if event.request == 5] == [reply]
    assert disk.readings == ["in-background"], "once, and not in the thread of the loop"
    if reply is Done:
        with RunFolder.open(run) as folder:
            assert folder.checkpoints.list()[0].marked


def test_what_is_wrong_with_a_slow_checkpoint_is_the_answer(
    disk: SlowDisk, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Checkpoint:
        assert disk.released.wait(20.0)
        raise RunError("The checksum is wrong.")

    monkeypatch.setattr(disk, "load", refuse)
    sent: list[Event] = []
    server = serving(sent)
    assert not answers(server, sent, ListFeatureLayers(request=5, run=run))
    disk.released.set()
    while server._busy():
        server._advance()
    (failed,) = [event for event in sent if event.request == 5]
    assert isinstance(failed, CommandFailed) and failed.message == "The checksum is wrong."


def test_jobs_share_a_reading_and_unwanted_ones_are_dropped(disk: SlowDisk, run: str, tmp_path: Path) -> None:
    cache, device = ModelCache(), torch.device("cpu")
    jobs = [cache.load_pieces(run, device), cache.load_pieces(run, device)]
    for job in jobs:
        next(job)
    assert len(disk.readings) == 1
    disk.released.set()
    assert cache.load(run, device).step == STEP and cache.load(run, device) is cache.load(run, device)
    *cancelled, last = (
        write_run(tmp_path / f"vae-{number}", "vae", num_hidden=4).run for number in range(KEPT_READINGS + 2)
    )
    disk.released.clear()
    for other in cancelled:
        next(cache.load_pieces(other, device))
    assert len(cache._readings) == len(cancelled), "none that is under way is dropped"
    disk.released.set()
    for reading in cache._readings.values():
        reading.result()
    disk.released.clear()
    next(cache.load_pieces(last, device))
    assert len(cache._readings) == KEPT_READINGS

"""Fault 9: weights with a flipped byte, cut short, with absurd headers: named, the previous ones used."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from fault_engine import TrainedEngine, peak_memory

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import Reason
from gmstudio.protocol.latents import Decode
from gmstudio.protocol.runs import HistoryAppended, ListRuns, OpenRun, RunOpened, RunsListed
from gmstudio.protocol.training import ResumeRun, TrainingChanged
from gmstudio.runs.manifest import GroupFile, read_manifest, write_manifest

pytestmark = pytest.mark.slow
SPARSE_BYTES = 384 << 20
ALLOWED_BYTES = 64 << 20
"""Growth of the engine's peak memory; the files below claim, or have, many times as much."""


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-7] ^= 0x10
    path.write_bytes(content)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def removed(path: Path) -> None:
    path.unlink()


def forged(path: Path, content: bytes) -> None:
    """Write a file and give the manifest its true checksum, as someone who makes such a file would."""
    path.write_bytes(content)
    manifest = read_manifest(path.parent, 60)
    promised = GroupFile(len(content), hashlib.sha256(content).hexdigest())
    write_manifest(path.parent, msgspec.structs.replace(manifest, files={**manifest.files, path.name: promised}))


def endless_header(path: Path) -> None:
    forged(path, b"\xff" * 8 + b"{}")


def long_header(path: Path) -> None:
    forged(path, (90 << 20).to_bytes(8, "little") + b"{" + b" " * 100)


def header(shape: list[int], end: int) -> bytes:
    text = json.dumps({"weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}}).encode()
    return len(text).to_bytes(8, "little") + text


def huge_shape(path: Path) -> None:
    forged(path, header([1 << 20, 1 << 20], 4 << 40))


def overflowing_shape(path: Path) -> None:
    forged(path, header([1 << 62, 1 << 62], 0))


def nested_header(path: Path) -> None:
    text = b'{"a":' * 200_000
    forged(path, len(text).to_bytes(8, "little") + text)


def sparse(path: Path) -> None:
    """A large file that takes no space on the disk, with a manifest that promises as much."""
    os.truncate(path, SPARSE_BYTES)
    manifest = read_manifest(path.parent, 60)
    promised = GroupFile(SPARSE_BYTES, "0" * 64)
    write_manifest(path.parent, msgspec.structs.replace(manifest, files={**manifest.files, path.name: promised}))


HARMS = [flipped, cut, emptied, removed, endless_header, long_header, huge_shape, overflowing_shape, nested_header]


@pytest.mark.parametrize("harm", [*HARMS, sparse])
def test_damaged_weights_are_named_and_the_previous_ones_explored(
    trained: TrainedEngine, folder: Path, harm: Callable[[Path], None]
) -> None:
    weights = folder / "checkpoints" / "step-60" / "model.safetensors"
    harm(weights)
    before = peak_memory(trained.process.pid)
    assert trained.decoded(folder).step == 40
    assert str(weights) in trained.warnings()
    assert peak_memory(trained.process.pid) - before < ALLOWED_BYTES
    trained.seen.clear()
    assert trained.decoded(folder).step == 40 and not trained.warnings(), "said once"


@pytest.mark.parametrize("group", ["model", "optimizer", "random"])
def test_training_continues_from_the_previous_checkpoint(trained: TrainedEngine, folder: Path, group: str) -> None:
    flipped(folder / "checkpoints" / "step-60" / f"{group}.safetensors")
    opened = trained.ask(ResumeRun(run=str(folder), steps=70, schedule="stretch"), RunOpened)
    assert opened.live and opened.info.step == 40
    assert f"step-60/{group}.safetensors is damaged: its checksum is wrong" in trained.warnings().replace(os.sep, "/")
    assert trained.wait(TrainingChanged, lambda event: event.status == "finished").step == 70
    again = trained.ask(OpenRun(run=str(folder)), RunOpened)
    curves = trained.wait(HistoryAppended, lambda event: event.request == again.request)
    (loss,) = [s for s in curves.series if (s.split, s.name) == ("train", "loss")]
    np.testing.assert_array_equal(loss.steps.numpy(), np.arange(1, 71))


def test_a_run_without_a_whole_checkpoint_names_all_of_them(trained: TrainedEngine, folder: Path) -> None:
    damaged = sorted(folder.glob("checkpoints/step-*/model.safetensors"))
    assert len(damaged) >= 2
    for path in damaged:
        flipped(path)
    failed = trained.refused(Decode(run=str(folder), codes=Array.of(np.zeros((1, 2), np.float32))))
    assert failed.reason is Reason.RUN_UNUSABLE
    assert "no checkpoint that is whole" in failed.message
    assert all(str(path) in failed.message for path in damaged)
    listed = trained.ask(ListRuns(), RunsListed)
    assert str(folder) in {info.run for info in listed.runs} | {str(folder.parent / i.run) for i in listed.runs}
    assert trained.decoded(trained.original).step == 60, "other runs are as usable as before"

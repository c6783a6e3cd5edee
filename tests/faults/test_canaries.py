"""Fault 10: pickles that would execute something, in every place where a file is read; and a corrupt index."""

import hashlib
import pickle
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from fault_engine import TrainedEngine, folder_in

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.data import BrowseData
from gmstudio.protocol.data_import import PreviewImport
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import Decode
from gmstudio.protocol.runs import FetchSamples, ListRuns, OpenRun, RunsListed
from gmstudio.runs.index import INDEX_NAME
from gmstudio.runs.manifest import GroupFile, read_manifest, write_manifest

pytestmark = pytest.mark.slow
CODE = Array.of(np.zeros((1, 2), np.float32))


class Canary:
    """Makes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def objects(canary: Canary) -> np.ndarray:
    array = np.empty((3, 4, 4), object)
    array[...] = canary
    return array


def npy(folder: Path, canary: Canary) -> None:
    np.save(folder / "images.npy", objects(canary), allow_pickle=True)


def npz(folder: Path, canary: Canary) -> None:
    np.savez(folder / "images.npz", images=objects(canary))


def plain_pickle(folder: Path, canary: Canary) -> None:
    (folder / "images.pkl").write_bytes(pickle.dumps({"images": canary}))


def cifar_batch(folder: Path, canary: Canary) -> None:
    (folder / "data_batch_1").write_bytes(pickle.dumps({b"data": canary, b"labels": [0]}))


def cifar_archive(folder: Path, canary: Canary) -> None:
    content = pickle.dumps({b"data": canary})
    with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        member.size = len(content)
        archive.addfile(member, BytesIO(content))


def in_zip(folder: Path, canary: Canary) -> None:
    buffer = BytesIO()
    np.save(buffer, objects(canary), allow_pickle=True)
    with zipfile.ZipFile(folder / "images.zip", "w") as archive:
        archive.writestr("images.npy", buffer.getvalue())
        archive.writestr("data_batch_1", pickle.dumps({b"data": canary}))


def torch_file(folder: Path, canary: Canary) -> None:
    torch.save({"images": canary}, folder / "images.pt")


DATA = [npy, npz, plain_pickle, cifar_batch, cifar_archive, in_zip, torch_file]


@pytest.mark.parametrize("write", DATA)
@pytest.mark.parametrize("what", ["folder", "file"])
def test_no_pickle_in_data_is_executed(
    trained: TrainedEngine, tmp_path: Path, write: Callable[[Path, Canary], None], what: str
) -> None:
    canary, place = tmp_path / "executed", tmp_path / "data"
    place.mkdir()
    write(place, Canary(canary))
    (file,) = place.iterdir()
    request = trained.send(PreviewImport(path=str(place if what == "folder" else file)))
    answer = trained.wait(Event, lambda event: event.request == request and event.ends_request())
    assert not canary.exists()
    assert isinstance(answer, CommandFailed), "there is nothing else in it"
    assert answer.reason is not Reason.INTERNAL and answer.message, answer


@pytest.mark.parametrize("source", ["binarized_mnist", "cifar10", "idx"])
def test_no_pickle_in_the_files_of_a_source_is_executed(trained: TrainedEngine, tmp_path: Path, source: str) -> None:
    canary, place = tmp_path / "executed", tmp_path / "data"
    place.mkdir()
    for split in ("train", "valid", "test"):
        np.save(place / f"binarized_mnist_{split}.npy", objects(Canary(canary)), allow_pickle=True)
    for name in ("data_batch_1", "data_batch_2", "test_batch", "batches.meta", "train-images-idx3-ubyte"):
        (place / name).write_bytes(pickle.dumps({b"data": Canary(canary)}))
    failed = trained.refused(BrowseData(data=source, data_config={"folder": str(place)}))
    assert not canary.exists() and failed.reason is not Reason.INTERNAL and failed.message


def as_checkpoint(folder: Path, content: bytes) -> None:
    """All weights are pickles, and the manifests agree."""
    for path in folder.glob("checkpoints/step-*/model.safetensors"):
        path.write_bytes(content)
        manifest = read_manifest(path.parent, int(path.parent.name.removeprefix("step-")))
        promised = GroupFile(len(content), hashlib.sha256(content).hexdigest())
        write_manifest(path.parent, msgspec.structs.replace(manifest, files={**manifest.files, path.name: promised}))


def as_record(folder: Path, content: bytes) -> None:
    (folder / "run.json").write_bytes(content)


def as_history(folder: Path, content: bytes) -> None:
    (folder / "history.sqlite").write_bytes(content)


def as_samples(folder: Path, content: bytes) -> None:
    with closing(sqlite3.connect(folder / "history.sqlite")) as db:
        db.execute("UPDATE images SET dtype = 'object', payload = ?", (content,))
        db.commit()


@pytest.mark.parametrize("put", [as_checkpoint, as_record, as_history, as_samples])
def test_no_pickle_in_a_run_is_executed(
    trained: TrainedEngine, folder: Path, tmp_path: Path, put: Callable[[Path, bytes], None]
) -> None:
    canary = tmp_path / "executed"
    put(folder, pickle.dumps(Canary(canary)))
    failures = []
    for command in (OpenRun(run=str(folder)), FetchSamples(run=str(folder)), Decode(run=str(folder), codes=CODE)):
        request = trained.send(command)
        answer = trained.wait(Event, lambda event, r=request: event.request == r and event.ends_request())
        failures += [answer] if isinstance(answer, CommandFailed) else []
    trained.ask(ListRuns(), RunsListed)
    assert not canary.exists()
    assert failures and all(failed.reason is not Reason.INTERNAL for failed in failures), failures


@pytest.mark.parametrize("content", [b"", b"no database" * 500, None])
def test_a_corrupt_or_lost_index_changes_no_list(trained: TrainedEngine, folder: Path, content: bytes | None) -> None:
    before = {info.run for info in trained.ask(ListRuns(), RunsListed).runs}
    assert folder in {folder_in(trained.home, run) for run in before}
    while not (found := [*trained.home.rglob(INDEX_NAME)]):  # it is written after a list, beside the engine's loop
        trained.ask(ListRuns(), RunsListed)
    (index,) = found
    if content is None:
        index.unlink()
    else:
        index.write_bytes(content)
    assert {info.run for info in trained.ask(ListRuns(), RunsListed).runs} == before
    assert trained.decoded(folder).step == 60

"""A run with everything that runs have, and archives with one thing wrong."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.archive import pack_run
from gmstudio.runs.archive_format import LIST_NAME, ArchiveList, PackedFile
from gmstudio.runs.description import Description, write_description
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import ImageGrid, Scalar
from gmstudio.runs.record import new_record


def make_run(path: Path, title: str = "Naïve β") -> Path:
    """Write a finished run with curves, samples, two checkpoints, a name and a mark."""
    spec = RunSpec(family="vae", config={"num_latents": 2}, data="digits", training={"steps": 40, "seed": 7})
    record = new_record(spec, image=ImageSpec(1, 8, 8, 2), device="cpu", title=title)
    with RunFolder.create(path, record) as run:
        run.history.append([Scalar(step, "train", "loss", 40.0 - step / 7) for step in range(40)])
        run.history.append(images=[ImageGrid(40, "samples", np.zeros((4, 1, 8, 8), np.uint8))])
        run.history.log(40, "done", "A sentence.")
        for step in (20, 40):
            weights = np.random.default_rng(step).normal(size=(64, 64)).astype(np.float32)
            run.checkpoints.save(step, {"model": {"w": weights}, "rng": {"s": np.arange(9)}}, {"position": step})
        run.checkpoints.mark(20)
        run.update(status="finished", step=40)
    write_description(path, Description(name=title, note="Über\nalles", tags=("a", "b")))
    return path


def packed(folder: Path) -> Path:
    """Pack a run made by ``make_run`` in a folder."""
    archive = folder / "made.gmrun"
    pack_run(make_run(folder / "made"), archive)
    return archive


Entries = dict[str, bytes]


def repack(source: Path, target: Path, change: Callable[[Entries], None], *, listed: bool = True) -> Path:
    """Write an archive anew with other entries, and a list that names them all where ``listed``."""
    with zipfile.ZipFile(source) as archive:
        entries = {info.filename: archive.read(info) for info in archive.infolist()}
    content = msgspec.json.decode(entries.pop(LIST_NAME), type=ArchiveList)
    change(entries)
    if listed:
        sums = {name: PackedFile(len(data), hashlib.sha256(data).hexdigest()) for name, data in entries.items()}
        content = msgspec.structs.replace(content, files=sums)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
        archive.writestr(LIST_NAME, msgspec.json.encode(content))
    return target

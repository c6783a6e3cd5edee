"""Libraries of many runs for benchmarks: copies of a few real ones, with records of their own."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np

from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.description import DESCRIPTION_NAME, Description
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import Scalar
from gmstudio.runs.lock import LOCK_NAME
from gmstudio.runs.record import RECORD_NAME, RunRecord, new_record

IMAGE = ImageSpec(channels=1, height=8, width=8, levels=16)
KINDS = ("nade", "vae", "pixelcnn", "realnvp", "gan")
POINTS = 50
POINTS_AT_ONCE = 10_000
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def make_library(runs: Path, count: int) -> None:
    """Write runs of five families into a folder; what is alike in them is on the disk once.

    Args:
        runs: folder of the library.
        count: number of runs.
    """
    templates = [_template(runs.parent / "templates" / kind, kind) for kind in KINDS]
    runs.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        source, record = templates[number % len(templates)]
        started = FIRST + timedelta(minutes=7 * number)
        folder = runs / f"{started:%Y-%m-%d}-{record.family}-{number:05d}"
        _copy(source, str(folder))
        training = msgspec.structs.replace(record.training, seed=number, batch_size=32 + number % 3)
        created = started.isoformat(timespec="milliseconds")
        _write(folder / RECORD_NAME, msgspec.structs.replace(record, created=created, training=training))
        if number % 10 == 0:
            _write(folder / DESCRIPTION_NAME, Description(name=f"Run {number:,}", tags=(f"series {number % 7}",)))


def _template(folder: Path, family: str) -> tuple[Path, RunRecord]:
    training = msgspec.to_builtins(FAMILIES[family].training_defaults)
    spec = RunSpec(family=family, data="digits", training=training)
    with RunFolder.create(folder, new_record(spec, image=IMAGE, device="cpu")) as run:
        values = np.linspace(200.0, 80.0, POINTS)
        rows = [
            Scalar(10 * step, split, "loss", float(value))
            for step, value in enumerate(values)
            for split in ("train", "valid")
        ]
        run.history.append(rows)
        run.checkpoints.save(10 * POINTS, {"model": {"weight": np.zeros((8, 8), np.float32)}}, {})
        run.update(status="finished", step=10 * POINTS)
        record = run.record
    return folder, record


def make_long_run(runs: Path, points: int) -> tuple[str, int]:
    """Write a run with one training curve of many points.

    Returns:
        Its name, and the bytes of its history.
    """
    random = np.random.default_rng(0)
    values = 100 + 100 * np.exp(-np.arange(points) / (points / 5)) + random.normal(0, 2, points)
    spec = RunSpec(family="nade", data="digits", training=msgspec.to_builtins(FAMILIES["nade"].training_defaults))
    folder = runs / "2026-01-01-nade-01"
    with RunFolder.create(folder, new_record(spec, image=IMAGE, device="cpu")) as run:
        for start in range(0, points, POINTS_AT_ONCE):
            part = values[start : start + POINTS_AT_ONCE].tolist()
            run.history.append([Scalar(start + step, "train", "loss", value) for step, value in enumerate(part)])
        run.update(status="finished", step=points)
    return folder.name, (folder / "history.sqlite").stat().st_size


def _copy(source: Path, target: str) -> None:
    """Copy a run but for its record; files that are never written again are the same ones."""
    for folder, _names, files in os.walk(source):
        place = f"{target}{folder.removeprefix(str(source))}"
        Path(place).mkdir()
        for name in files:
            if name not in (RECORD_NAME, LOCK_NAME):
                os.link(f"{folder}/{name}", f"{place}/{name}")


def _write(path: Path, value: msgspec.Struct) -> None:
    """Write a file of a run as its own module does, without waiting for the disk: ten thousand would take minutes."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2))

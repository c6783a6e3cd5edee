"""Models of the pictures: trained once by the real engine, and kept in a folder of their own."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.window import TIMEOUT_S, run_events, wait_until
from docs.pictures.colours import write_coloured_digits
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training import ResumeRun, StartTraining
from gmstudio.runs.record import RECORD_NAME, RunError, RunRecord, read_record
from gmstudio.window.state.studio import Studio

FOLDER = Path(__file__).resolve().parents[2] / "build" / "pictures"
MOST_TRAINING_S = 1200.0
DONE = "finished"
SMALL_GATED = {"num_layers": 3, "num_channels": 24, "num_head_channels": 24, "num_classes": 10}


@dataclass(frozen=True)
class Model:
    """Model to train, and its duration of training.

    Args:
        family: its name.
        steps: parameter updates.
        config: the family's fields that are not left as they are.
        coloured: on digits in ten colours; else on grey ones of 8×8 pixels.
        points: on two moons, with the settings that the family proposes for points.
    """

    family: str
    steps: int
    config: dict[str, Any] = field(default_factory=dict)
    coloured: bool = False
    points: bool = False


MODELS = {
    "pixelcnn": Model("pixelcnn", 600),
    "gated-pixelcnn": Model("gated_pixelcnn", 300, SMALL_GATED),
    "diagonal-bilstm": Model("pixelrnn_diagonal", 200),
    "made": Model("made", 800, {"num_hidden": 200, "num_orders": 8}),
    "nade": Model("nade", 400, {"num_hidden": 100, "order_agnostic": True}),
    "nade-in-colours": Model("nade", 400, {"num_hidden": 100, "order_agnostic": True}, coloured=True),
    "fvbn": Model("fvbn", 600),
    "vae": Model("vae", 1500),
    "vae-beta-4": Model("vae", 1500, {"beta": 4.0}),
    "autoencoder": Model("autoencoder", 1500),
    "gan": Model("gan", 3000),
    "rbm": Model("rbm", 6000),
    "realnvp": Model("realnvp", 1000),
    "ddpm": Model("ddpm", 2000),
    "gsn": Model("gsn", 2000),
    "made-points": Model("made", 1500, points=True),
    "realnvp-points": Model("realnvp", 700, points=True),
    "vae-points": Model("vae", 1500, points=True),
    "gan-points": Model("gan", 2000, points=True),
    "ddpm-points": Model("ddpm", 1500, points=True),
}
"""Name, which is also that of its run's folder → model."""


def missing(names: Iterable[str]) -> list[str]:
    """Those of these models that are not trained to their end."""
    records = {name: _record(name) for name in names}
    return [name for name, record in records.items() if record is None or record.status != DONE]


def train_model(studio: Studio, name: str) -> None:
    """Train a model; when that was broken off, it goes on where it was.

    Raises:
        RuntimeError: when it came to no good end.
    """
    folder = FOLDER / name
    if _record(name) is not None:
        studio.client.send(ResumeRun(run=str(folder)))
    else:
        shutil.rmtree(folder, ignore_errors=True)
        studio.client.send(_start(studio, name))
    wait_until(lambda: bool(studio.library.live), f"the training of {name}")
    for _ in range(round(MOST_TRAINING_S / TIMEOUT_S)):
        run_events(TIMEOUT_S, lambda: not studio.library.live)
    if missing([name]):
        raise RuntimeError(f"{name} was not trained to its end; {folder / RECORD_NAME} may say why.")


def bring(studio: Studio, names: Iterable[str]) -> dict[str, str]:
    """Copy trained models into a window's library, so that pictures leave them as they are; name → that of the run."""
    home = Path(studio.library.home)
    copies = {name: home / name for name in names}
    for name, copy in copies.items():
        shutil.copytree(FOLDER / name, copy)
    studio.library.refresh()
    wait_until(lambda: set(copies) <= {info.run for info in studio.library.runs}, "the copies of the models")
    return {name: name for name in copies}


def _record(name: str) -> RunRecord | None:
    """Record of a model; None where there is none, or it is of other settings."""
    model = MODELS[name]
    try:
        record = read_record(FOLDER / name)
    except RunError:
        return None
    same = all(record.config.get(key) == value for key, value in model.config.items())
    return record if same and (record.family, record.training.steps) == (model.family, model.steps) else None


def _start(studio: Studio, name: str) -> StartTraining:
    model = MODELS[name]
    proposed = studio.library.entry(model.family).start_on_points
    if model.points and proposed is not None:
        training = {**proposed.training, "steps": model.steps, "seed": 1}
        spec = msgspec.structs.replace(proposed, config={**proposed.config, **model.config}, training=training)
        return StartTraining(spec=spec, folder=str(FOLDER / name))
    data, data_config = "digits", {}
    if model.coloured:
        images = FOLDER / "coloured-digits"
        images.mkdir(parents=True, exist_ok=True)
        write_coloured_digits(images)
        data, data_config = "cifar10", {"folder": str(images), "size": 8, "levels": 256}
    training = {"steps": model.steps, "seed": 1}
    spec = RunSpec(family=model.family, config=model.config, data=data, data_config=data_config, training=training)
    return StartTraining(spec=spec, folder=str(FOLDER / name))

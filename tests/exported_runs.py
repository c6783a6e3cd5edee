"""Runs of every family with weights after a few steps, for tests of what is exported from a run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from gmstudio.engine.runs.exports import export_named
from gmstudio.engine.runs.exports.export import Export, ExportSource
from gmstudio.engine.runs.exports.writing import export_pieces
from gmstudio.engine.runtime.building import build_model
from gmstudio.engine.runtime.models import Loaded, ModelCache
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import Scalar
from gmstudio.runs.record import new_record
from gmstudio.testing.laws.inputs import random_images, seeded

CPU = torch.device("cpu")
BINARY = ImageSpec(channels=1, height=8, width=8, levels=2)
STEPS = 4


def fitted(family: str, config: dict[str, Any], image: ImageSpec, steps: int = STEPS) -> Family:
    """Build a model and make a few updates of all its phases, on random images."""
    kind = FAMILIES[family]
    model = build_model(kind, parse_config(kind.Config, config), image, CPU, seed=3).train()
    batch, noise = random_images(image, 8, seed=5), seeded(6)
    optimizers = [torch.optim.Adam(phase.parameters, 3e-3) for phase in model.phases()]
    for _ in range(steps):
        for phase, optimizer in zip(model.phases(), optimizers, strict=True):
            if phase.before_update is not None:
                phase.before_update(batch, len(batch))
            labels = (torch.arange(len(batch)) % 3,) if phase.takes_labels else ()
            loss = phase.loss(batch, noise, *labels)["loss"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if phase.after_update is not None:
                phase.after_update()
    return model.eval()


def make_run(folder: Path, family: str, config: dict[str, Any], image: ImageSpec = BINARY) -> tuple[Path, Family]:
    """Write a run of such a model; return its folder and the model."""
    model = fitted(family, config, image)
    spec = RunSpec(family=family, config=config, data="digits", data_config={"levels": image.levels})
    with RunFolder.create(folder, new_record(spec, image=image, device="cpu")) as run:
        tensors = {name: value.detach().numpy() for name, value in model.state_dict().items()}
        run.checkpoints.save(STEPS, {"model": tensors}, {})
        run.history.append([Scalar(STEPS, "valid", "loss", 40.5)])
    return folder, model


def pieces_of(folder: Path, form: str, target: Path) -> Iterator[float]:
    """Shares of an export of a run, whose weights are loaded with the first."""
    with RunFolder.open(folder) as run:
        source = ExportSource(run, lambda: ModelCache().load(str(folder), CPU))
        yield from export_pieces(export_named(form)(), source, target, overwrite=False)


def write_export(folder: Path, form: str, target: Path) -> Export:
    """Export a run; return the form, which has the remarks."""
    export = export_named(form)()

    def load() -> Loaded:
        return ModelCache().load(str(folder), CPU)

    with RunFolder.open(folder) as run:
        shares = list(export_pieces(export, ExportSource(run, load), target, overwrite=False))
    assert shares == sorted(shares) and shares[-1] == 1.0
    return export

"""First runs: each family trained with the data and settings that it proposes, as ``gmstudio train FAMILY`` does.

The goal of a proposal is recognizable samples within 90 s on two cores. A person judges the samples, which are written
as a picture; the time is that of the processor, so that other work on the machine does not count.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from gmstudio.engine.runtime.building import family_class
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.starts import start_spec
from gmstudio.engine.training.job import start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.runs.folder import RunFolder

COLUMNS = 6
ENLARGED = 3


def measure(family: str, picture: str) -> dict[str, Any]:
    """Train the first run that a family proposes on one thread, with all validations, samples and checkpoints.

    Args:
        family: key in ``FAMILIES``.
        picture: PNG file for the last grid of samples; empty: none.

    Returns:
        ``data``, ``steps``, ``cpu_seconds``, ``seconds_on_two_cores`` (half of that: what two threads can reach at
        best), ``validation`` (name → last value).
    """
    torch.set_num_threads(1)
    device = torch.device("cpu")
    began = time.process_time()
    spec = start_spec(family_class(family))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        job = start_training(plan_run(DatasetCache(), spec, device), str(folder), device, lambda event: None)
        while job.running:
            job.advance()
        spent = time.process_time() - began
        with RunFolder.open(folder) as run:
            scalars = run.history.read_scalars()
            (kind,) = run.history.image_kinds()
            samples = run.history.read_images(run.history.image_steps(kind)[-1], kind)
    if picture:
        _draw(samples).save(picture)
    return {
        "benchmark": "starts",
        "family": family,
        "data": spec.data,
        "data_config": spec.data_config,
        "steps": job.step,
        "status": job.record.status,
        "cpu_seconds": round(spent, 1),
        "seconds_on_two_cores": round(spent / 2, 1),
        "validation": {name: round(float(v[-1]), 4) for (split, name), (_, v) in scalars.items() if split == "valid"},
    }


def _draw(samples: np.ndarray[Any, np.dtype[np.uint8]]) -> Image.Image:
    """Grid of images (N, C, H, W), enlarged."""
    count = len(samples) // COLUMNS * COLUMNS
    _, channels, height, width = samples.shape
    rows = samples[:count].reshape(-1, COLUMNS, channels, height, width).transpose(0, 3, 1, 4, 2)
    sheet = rows.reshape(count // COLUMNS * height, COLUMNS * width, channels)
    picture = Image.fromarray(sheet if channels == 3 else sheet[..., 0])
    return picture.resize((picture.width * ENLARGED, picture.height * ENLARGED), Image.Resampling.NEAREST)

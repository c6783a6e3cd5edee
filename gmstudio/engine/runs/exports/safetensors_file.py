"""The weights of a run as one safetensors file that loads with safetensors alone; ``docs/weights.md`` has the names."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import msgspec
import safetensors.torch
from torch import Tensor

import gmstudio
from gmstudio.engine.runs.exports.export import Export, ExportSource
from gmstudio.engine.runtime.models import Loaded
from gmstudio.families.base import Family
from gmstudio.protocol.runs_exports import ExportForm


class SafetensorsExport(Export):
    """The weights, and what they are weights of, in one file."""

    form: ClassVar[ExportForm] = ExportForm(
        name="safetensors",
        title="Weights (safetensors)",
        help="The weights in one file, with family, settings, image, step and seed as text in its header.",
        suffix=".safetensors",
    )
    order: ClassVar[int] = 30

    def pieces(self, source: ExportSource, target: Path) -> Iterator[float]:
        """Write the arrays under the names of the model's state; see ``weights_metadata``."""
        loaded = source.load()
        yield 0.5
        safetensors.torch.save_file(weights_of(loaded.model), target, weights_metadata(loaded))
        yield 1.0


def weights_of(model: Family) -> dict[str, Tensor]:
    """Return copies of a model's weights on the CPU, by name; no two share memory, as safetensors requires."""
    return {name: value.detach().cpu().clone().contiguous() for name, value in model.state_dict().items()}


def weights_metadata(loaded: Loaded) -> dict[str, str]:
    """Return what a file of weights has in its header: texts, of which config, image and labels are JSON."""
    record = loaded.record
    described = {
        "format": "pt",
        "family": record.family,
        "config": _json(record.config),
        "image": _json(record.image),
        "step": str(loaded.step),
        "seed": str(record.training.seed),
        "data": record.data,
        "software": f"gmstudio {gmstudio.__version__}",
    }
    labels = record.fingerprint.labels if record.fingerprint is not None else ()
    return described | ({"labels": _json(labels)} if labels else {})


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()

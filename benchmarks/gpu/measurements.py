"""The measurements of each part: training, sampling, stepping and sliders of every family, and several devices."""

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import msgspec
import torch

from benchmarks.gpu.results import Result
from benchmarks.models import configured_model, randomize, table_config
from benchmarks.sampling import sample_times
from benchmarks.stepping import step_through
from benchmarks.training import EngineLoop, only_steps, random_images
from gmstudio.engine.training.trainer import Trainer
from gmstudio.families import FAMILIES
from gmstudio.families.base import Autoregressive
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import new_record

Graphs = Literal["auto", "off"]
Precision = Literal["fp32", "bf16"]
GRAPHS: tuple[Graphs, ...] = ("auto", "off")
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")
SMALL: dict[str, dict[str, Any]] = {
    "nade": {"num_hidden": 8},
    "made": {"num_hidden": 8},
    "pixelcnn": {"num_blocks": 1, "num_channels": 4},
    "gated_pixelcnn": {"num_layers": 2, "num_channels": 4},
    "pixelrnn_row": {"num_layers": 1, "num_channels": 4},
    "pixelrnn_diagonal": {"num_layers": 1, "num_channels": 4},
    "realnvp": {"architecture": "mlp", "num_hidden": 8, "num_couplings": 2},
    "ddpm": {"num_timesteps": 5, "num_channels": 4},
    "rbm": {"num_hidden": 8},
    "gsn": {"num_hidden": 8},
}
"""Settings of quick measurements, where the defaults are large."""


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Args:
        device: name that ``choose_device`` accepts.
        families: keys in ``FAMILIES``.
        quick: small models for a moment.
    """

    device: str
    families: tuple[str, ...]
    quick: bool = False

    @property
    def image(self) -> ImageSpec:
        """Shape of the images."""
        size = 5 if self.quick else 28
        return ImageSpec(channels=1, height=size, width=size, levels=2)

    @property
    def batch(self) -> int:
        """Images in a batch."""
        return 4 if self.quick else 64

    def config(self, family: str) -> dict[str, Any]:
        """Return the settings of a family: those of the published comparison."""
        return SMALL.get(family, {}) if self.quick else table_config(family, [])

    def model(self, family: str) -> Any:
        """Build a model whose weights are moved from their initial values."""
        model = configured_model(family, self.image, self.config(family), self.device).eval()
        randomize(model)
        return model


@dataclass(frozen=True)
class Measurement:
    """One measurement.

    Args:
        name: unique in its part.
        run: measures.
    """

    name: str
    run: Callable[[], Result]


def training(effort: Effort) -> Iterator[Measurement]:
    """Yield the trainings of every family: both precisions, with CUDA graphs and without."""
    for family in effort.families:
        for precision in PRECISIONS:
            for graphs in GRAPHS:
                yield Measurement(f"{family} {precision} {graphs}", partial(train, effort, family, precision, graphs))


def train(effort: Effort, family: str, precision: Precision, graphs: Graphs) -> Result:
    """Train through the engine's trainer, with a run folder, for some seconds.

    Returns:
        ``images_per_s``, ``updates`` (what the run's log says of graphs) and what was measured.
    """
    seconds = 0.05 if effort.quick else 3.0
    dataset = random_images(effort.image)
    settings = only_steps(family, effort.batch, precision, graphs)
    config = effort.config(family)
    spec = RunSpec(family=family, config=config, data="random", training=msgspec.to_builtins(settings))
    record = new_record(spec, image=effort.image, device=effort.device)
    model = configured_model(family, effort.image, config, effort.device)
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder.create(Path(folder) / "run", record)
        with EngineLoop(Trainer(run, model, dataset)) as loop:
            loop.run(seconds / 3)  # graphs are captured meanwhile
            loop.reset()
            loop.run(seconds)
            said = [event.text for event in run.history.read_events() if event.kind == "updates"]
    return {
        "family": family,
        "image": str(effort.image),
        "batch": effort.batch,
        "precision": precision,
        "cuda_graphs": graphs,
        "images_per_s": loop.rate * effort.batch,
        "steps": loop.steps,
        "updates": said,
        "parameters": model.num_parameters(),
    }


def sampling(effort: Effort) -> Iterator[Measurement]:
    """Yield the sampling of every family that samples; that of autoregressive ones without CUDA graphs, too."""
    for family in effort.families:
        if callable(getattr(FAMILIES[family], "sample", None)):
            for graphs in graphs_of(family):
                yield Measurement(f"{family} {graphs}", partial(sample, effort, family, graphs))


def graphs_of(family: str) -> Sequence[Graphs]:
    """Ways in which a family samples: programs of pixels are captured, whole images are not."""
    return GRAPHS if callable(getattr(FAMILIES[family], "pixel_session", None)) else ("auto",)


def sample(effort: Effort, family: str, graphs: Graphs) -> Result:
    """Sample a batch three times; ``sample_s`` is the median of the seconds."""
    model = effort.model(family)
    with step_graphs(graphs):
        noise_from = "cpu" if isinstance(model, Autoregressive) else model.device
        times = sample_times(model, effort.batch, noise_from, 1 if effort.quick else 3)
    seconds = statistics.median(times)
    return {
        "family": family,
        "batch": effort.batch,
        "cuda_graphs": graphs,
        "sample_s": seconds,
        "images_per_s": effort.batch / seconds,
    }


@contextmanager
def step_graphs(graphs: Graphs) -> Iterator[None]:
    """Context in which samplers capture their programs, where the device can, or never do."""
    if graphs == "auto":
        yield
        return
    with patch("gmstudio.nn.stepping.ops.recorder_for", lambda _device: None):
        yield


def stepping(effort: Effort) -> Iterator[Measurement]:
    """Yield the steps through one image of every autoregressive family."""
    for family in effort.families:
        if callable(getattr(FAMILIES[family], "pixel_session", None)):
            for graphs in GRAPHS:
                yield Measurement(f"{family} {graphs}", partial(step, effort, family, graphs))


def step(effort: Effort, family: str, graphs: Graphs) -> Result:
    """Step through one image as the Pixels panel does: milliseconds of a step, ``p50_ms``, ``p95_ms``, ``max_ms``."""
    with step_graphs(graphs):
        found = step_through(effort.model(family))
    return {"family": family, "cuda_graphs": graphs, **{key: found[key] for key in found if key.endswith("_ms")}}


def slider(effort: Effort) -> Iterator[Measurement]:
    """Yield the drags of a slider in the real window, for every family with codes, idle and while it trains."""
    for family in effort.families:
        if callable(getattr(FAMILIES[family], "decode", None)):
            for training in (False, True):
                name = f"{family} {'while training' if training else 'idle'}"
                yield Measurement(name, partial(drag, effort, family, training))


def drag(effort: Effort, family: str, while_training: bool) -> Result:
    """Drag a slider: milliseconds until the image is painted."""
    from benchmarks.slider import measure  # with Qt, which the other parts leave alone

    found = measure(family, 10 if effort.quick else 300, while_training, device=effort.device)
    kept = ("p50_ms", "p95_ms", "p99_ms", "window_stall_p99_ms", "images_per_s_meanwhile")
    return {"family": family, "while_training": while_training, **{key: found[key] for key in kept}}


def device_count(device: torch.device) -> int:
    """Number of devices that a training is divided among: all GPUs, or two processes of the CPU that stands in."""
    return torch.cuda.device_count() if device.type == "cuda" else 2

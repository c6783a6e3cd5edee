"""The network of a run as an ONNX file: a decoder, a generator, a denoiser, or the conditionals of all sub-pixels.

ONNX has no generator of random numbers that a seed repeats, so that what is exported is a function of tensors: noise,
codes or images come from outside.
"""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from gmstudio.engine.runs.exports.export import Export, ExportSource
from gmstudio.engine.runs.exports.safetensors_file import weights_metadata
from gmstudio.engine.runtime.beside import beside
from gmstudio.engine.runtime.building import build_model, family_class
from gmstudio.engine.runtime.models import Loaded
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.base import Family, Invertible, Latent
from gmstudio.families.diffusion.ddpm import DDPM
from gmstudio.protocol.runs_exports import ExportForm
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunError

NUM_TRACED = 2
"""Images of the batch with which the network is exported; the batch may have any size afterwards."""
OPSET = 18
TOLERANCE = 1e-4
"""Largest difference between what onnxruntime computes by the file and the model."""


class Graph(NamedTuple):
    """A function of tensors that is exported.

    Args:
        module: computes it.
        inputs: by name, with a batch of ``NUM_TRACED``.
        output: name of the result.
        text: what it is, for the metadata.
    """

    module: nn.Module
    inputs: dict[str, Tensor]
    output: str
    text: str


class OnnxExport(Export):
    """The network, which any runtime of ONNX computes; the batch is free, and the metadata say what it is of."""

    form: ClassVar[ExportForm] = ExportForm(
        name="onnx",
        title="ONNX",
        help="The decoder, generator, inverse flow, denoiser or the conditionals, as a network for any ONNX runtime.",
        suffix=".onnx",
    )
    order: ClassVar[int] = 35

    @classmethod
    def reason(cls, run: RunFolder) -> str:
        """Return why there is no network: the family is a chain over states, or the packages are missing."""
        missing = _missing_package()
        if missing:
            return f"ONNX needs the package {missing}, which is not installed: pip install 'gmstudio[export]'."
        family = family_class(run.record.family)
        if issubclass(family, AutoregressiveFamily | DDPM) or callable(getattr(family, "decode", None)):
            return ""
        return (
            f"{family.card.title} generates by a Markov chain that draws random numbers at each step; it has no "
            "network from a code to an image that ONNX could hold. Export its code or its weights."
        )

    def pieces(self, source: ExportSource, target: Path) -> Iterator[float]:
        """Export in a thread a copy of the model with its present weights."""
        loaded = source.load()
        # Built here: constructors draw from torch's only global generator, which a thread must leave to a training.
        model = build_model(type(loaded.model), loaded.model.config, loaded.model.image, torch.device("cpu"))
        model.load_state_dict(loaded.model.state_dict())
        job = beside(lambda: _exported(loaded, model.eval()))
        while True:
            try:
                next(job)
            except StopIteration as end:
                content: bytes = end.value
                break
            yield 0.5
        target.write_bytes(content)
        yield 1.0


def graph_of(model: Family) -> Graph:
    """Return what of a model is exported.

    Args:
        model: in evaluation mode, on the CPU.

    Raises:
        ValueError: when there is nothing.
    """
    image, any_model = model.image, model
    size = (NUM_TRACED, *image.shape)
    if isinstance(model, AutoregressiveFamily):
        x = torch.randint(image.levels, size, generator=_noise())
        text = "logits (B, C, H, W, L) of every level of every sub-pixel given those before it, from integer images"
        return Graph(_Logits(model), {"images": x}, "logits", text)
    if isinstance(model, DDPM):
        inputs = {"noisy": torch.randn(size, generator=_noise()), "time": torch.rand(NUM_TRACED, generator=_noise())}
        text = "noise predicted in images in [-1, 1] at times t/T in [0, 1], with averaged weights"
        return Graph(_Denoiser(model), inputs, "noise", text)
    if isinstance(any_model, Invertible):
        z = torch.randn((NUM_TRACED, image.num_dims), generator=_noise())
        return Graph(_Method(model, "decode"), {"z": z}, "images", "inverse of the flow: images in [0, 1] from noise")
    if isinstance(any_model, Latent):
        z = torch.randn((NUM_TRACED, any_model.latent.num_dims), generator=_noise())
        return Graph(_Method(model, "decode"), {"z": z}, "images", "images in [0, 1] from codes")
    raise ValueError(f"{model.card.title} has no network that ONNX could hold.")


class _Method(nn.Module):
    def __init__(self, model: Family, name: str) -> None:
        super().__init__()
        self.model = model
        self._name = name

    def forward(self, z: Tensor) -> Tensor:
        found: Tensor = getattr(self.model, self._name)(z)
        return found


class _Logits(nn.Module):
    def __init__(self, model: AutoregressiveFamily) -> None:
        super().__init__()
        self.model = model
        self._order = model.own_order

    def forward(self, images: Tensor) -> Tensor:
        return self.model.logits(images, self._order)


class _Denoiser(nn.Module):
    def __init__(self, model: DDPM) -> None:
        super().__init__()
        self.network = model.averaged.copy

    def forward(self, noisy: Tensor, time: Tensor) -> Tensor:
        noise: Tensor = self.network(noisy, time)
        return noise


def _exported(loaded: Loaded, model: Family) -> bytes:
    import onnx

    graph = graph_of(model)
    proto = onnx.load_from_string(_checked(graph, model.card.title))
    proto.graph.doc_string = graph.text
    onnx.helper.set_model_props(proto, weights_metadata(loaded) | {"computes": graph.text})
    whole: bytes = proto.SerializeToString()
    return whole


def _checked(graph: Graph, title: str) -> bytes:
    """Bytes of a graph that computes the same as the model, for a batch of another size, too.

    Tracing is quick and its operators are those of older runtimes; where it takes the size of the batch for a constant,
    or has no operator, the graph is exported symbolically.

    Raises:
        RunError: when neither way gives the model's values.
    """
    problems = []
    for export in (_traced, _symbolic):
        try:
            content = export(graph)
            difference = _difference(graph, content)
        except Exception as error:  # exporters and runtimes raise errors of many kinds, none of them documented
            problems.append(str(error).partition("\n")[0][:200])
            continue
        if difference <= TOLERANCE:
            return content
        problems.append(f"it would differ from the model by {difference:.1g}")
    raise RunError(
        f"{title} with these settings cannot be written as ONNX ({problems[-1]}). Export its code or its weights."
    )


def _traced(graph: Graph) -> bytes:
    buffer: Any = io.BytesIO()  # torch takes it for a file, unlike its own annotation
    with torch.no_grad(), _quietly():
        torch.onnx.export(
            graph.module,
            tuple(graph.inputs.values()),
            buffer,
            input_names=list(graph.inputs),
            output_names=[graph.output],
            dynamic_axes={name: {0: "batch"} for name in (*graph.inputs, graph.output)},
            opset_version=OPSET,
            dynamo=False,
        )
    content: bytes = buffer.getvalue()
    return content


def _symbolic(graph: Graph) -> bytes:
    with torch.no_grad(), _quietly():
        program = torch.onnx.export(
            graph.module,
            tuple(graph.inputs.values()),
            input_names=list(graph.inputs),
            output_names=[graph.output],
            dynamic_shapes=tuple({0: torch.export.Dim.DYNAMIC} for _ in graph.inputs),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    content: bytes = program.model_proto.SerializeToString()
    return content


def _difference(graph: Graph, content: bytes) -> float:
    """Largest difference from the model for a batch that is larger than the one it was exported with."""
    onnxruntime: Any = import_module("onnxruntime")  # it has no types
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    inputs = {name: torch.cat([value, value.flip(0), value[:1]]) for name, value in graph.inputs.items()}
    (found,) = session.run([graph.output], {name: value.numpy() for name, value in inputs.items()})
    with torch.no_grad():
        expected: Tensor = graph.module(*inputs.values())
    if found.shape != tuple(expected.shape):
        return float("inf")
    return float((torch.from_numpy(found) - expected).abs().max())


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what the exporters say of their own future, or log of what they try."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _missing_package() -> str:
    return next((name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None), "")


def _noise() -> torch.Generator:
    return torch.Generator().manual_seed(0)

"""The file of a model: traced, composed, written, and compared with the model before anyone sees it."""

import sys
import textwrap
import types
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

import gmstudio
from gmstudio.engine.runs.source_code.assembling import COLUMNS, assembled
from gmstudio.engine.runs.source_code.composing import Composer, NoCodeError
from gmstudio.engine.runs.source_code.entries import Entry, entries_of
from gmstudio.engine.runs.source_code.parsing import source_of
from gmstudio.engine.runs.source_code.program import IMPORTS, program_of
from gmstudio.engine.runs.source_code.tracing import Tracer
from gmstudio.engine.runtime.beside import beside
from gmstudio.engine.runtime.building import build_model, run_config
from gmstudio.engine.runtime.models import Loaded
from gmstudio.families.base import Family
from gmstudio.runs.record import RunRecord

WEIGHTS_NAME = "model.safetensors"
MAX_BORDERLINE = 1e-3
"""Share of sub-pixels whose uniform may lie so near to a border between levels that rounding decides."""
CPU = torch.device("cpu")


@dataclass(frozen=True)
class ModelCode:
    """A file and its weights.

    Args:
        text: of the file.
        tensors: weights that it reads from ``model.safetensors``, on the CPU.
        entries: methods that it offers.
    """

    text: str
    tensors: dict[str, Tensor]
    entries: tuple[str, ...]


def code_pieces(loaded: Loaded) -> Generator[None, None, ModelCode]:
    """Write the file of a model in a thread, yielding while it works; returns the file.

    The weights are copied before, so that training may go on.

    Raises:
        NoCodeError: when there is none of this family, or it would not compute the same.
    """
    state = {name: value.detach().cpu().clone().contiguous() for name, value in loaded.model.state_dict().items()}
    family, record, step = type(loaded.model), loaded.record, loaded.step
    return (yield from beside(lambda: model_code(family, record, step, state)))


def model_code(family: type[Family], record: RunRecord, step: int, state: dict[str, Tensor]) -> ModelCode:
    """Write the file of a model.

    Args:
        family: class of the model.
        record: of its run.
        step: training steps of the weights.
        state: weights, on the CPU.

    Raises:
        NoCodeError: when there is none of this family, or it would not compute the same.
    """
    packages = tuple(dict.fromkeys(("gmstudio", family.__module__.partition(".")[0])))
    with torch.random.fork_rng(devices=[]):
        with Tracer(packages) as tracer:
            model = build_model(family, run_config(family, record), record.image, CPU)
            model.eval()
        model.load_state_dict(state)
        entries = list(entries_of(model))
        if not entries:
            raise NoCodeError(f"{family.card.title} has neither a score nor samples, so there is nothing to write.")
        with tracer:
            expected = [entry.call(model) for entry in entries]
            for entry in entries:
                entry.more()
        composer = Composer(model, tracer.records, entries, packages)
        names = tuple(entry.name for entry in entries)
        tail = program_of(composer.main.name, names, record.image, WEIGHTS_NAME)
        text = assembled(composer, _head(family, record, step), tail, IMPORTS)
        tensors = _checked(text, composer.main.name, state, list(zip(entries, expected, strict=True)))
    return ModelCode(text, tensors, names)


def _head(family: type[Family], record: RunRecord, step: int) -> str:
    about = (source_of(family.__module__).module.__doc__ or family.card.summary).strip()
    settings = ", ".join(f"{name} = {value}" for name, value in record.config.items()) or "the defaults"
    written = (
        f"This file was written by gmstudio {gmstudio.__version__} from a trained model: {family.card.title} on "
        f"{record.data}, images of {record.image}, {step:,} steps. Its settings ({settings}) are put in. It needs "
        f"torch and safetensors, and its weights in {WEIGHTS_NAME}."
    )
    lines = "\n".join(textwrap.wrap(written, COLUMNS))
    # The name of data and old settings are any text, which must not end the documentation and become code.
    return f"{about}\n\n{lines}".replace('"""', "'''").replace("\0", "")


def _checked(text: str, name: str, state: dict[str, Tensor], expected: list[tuple[Entry, Tensor]]) -> dict[str, Tensor]:
    """Load the file and compare what it computes with the model; return the weights that it needs.

    Raises:
        NoCodeError: when they differ.
    """
    module = types.ModuleType("gmstudio_written_model")
    module.__file__ = WEIGHTS_NAME
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        exec(compile(text, "model.py", "exec"), module.__dict__)  # our own sources, recomposed
        written: Any = getattr(module, name)().eval()
        wanted = {key: state[key] for key in written.state_dict() if key in state}
        written.load_state_dict(wanted)
        for entry, value in expected:
            if not _agree(entry.call(written), value):
                raise NoCodeError(f"The file of this model was not written: its {entry.name} differs from the model's.")
    finally:
        del sys.modules[module.__name__]
    return wanted


def _agree(one: Tensor, other: Tensor) -> bool:
    """Whether scores agree to 1e-5, relative to their size, and images up to a few sub-pixels on the border."""
    if one.shape != other.shape:
        return False
    if not other.is_floating_point():
        return float((one != other).float().mean()) < MAX_BORDERLINE
    return torch.allclose(one, other, rtol=1e-5, atol=1e-5)

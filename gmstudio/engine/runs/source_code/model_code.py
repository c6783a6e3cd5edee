"""The file of a model: traced, composed, written, and compared with the model before anyone sees it."""

import sys
import textwrap
import types
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

import gmstudio
from gmstudio.engine.runs.source_code.assembling import assembled
from gmstudio.engine.runs.source_code.composing import Composer, NoCodeError
from gmstudio.engine.runs.source_code.entries import Entry, entries_of
from gmstudio.engine.runs.source_code.formatting import COLUMNS
from gmstudio.engine.runs.source_code.parsing import source_of
from gmstudio.engine.runs.source_code.program import IMPORTS, program_of
from gmstudio.engine.runs.source_code.tracing import Tracer
from gmstudio.engine.runtime.beside import at_once, beside
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
        tensors: weights that it reads from the file of the same name that ends in ``.safetensors``, on the CPU.
        entries: methods that it offers.
    """

    text: str
    tensors: dict[str, Tensor]
    entries: tuple[str, ...]


def code_pieces(loaded: Loaded) -> Generator[None, None, ModelCode]:
    """Write the file of a model beside the loop, yielding meanwhile; returns the file.

    The weights are copied before, so that training may go on.

    Raises:
        NoCodeError: when there is none of this family, or it would not compute the same.
    """
    state = {name: value.detach().cpu().clone().contiguous() for name, value in loaded.model.state_dict().items()}
    return (yield from _pieces(type(loaded.model), loaded.record, loaded.step, state))


def model_code(family: type[Family], record: RunRecord, step: int, state: dict[str, Tensor]) -> ModelCode:
    """Write the file of a model at once.

    Args:
        family: class of the model.
        record: of its run.
        step: training steps of the weights.
        state: weights, on the CPU.

    Raises:
        NoCodeError: when there is none of this family, or it would not compute the same.
    """
    return at_once(_pieces(family, record, step, state))


def _pieces(
    family: type[Family], record: RunRecord, step: int, state: dict[str, Tensor]
) -> Generator[None, None, ModelCode]:
    """Trace, compose and compare in threads; models are built here.

    Their constructors draw from torch's only global generator, whose state is put back. In a thread that would mix with
    the draws of a training, or of another model that is built meanwhile.
    """
    tracer = Tracer(tuple(dict.fromkeys(("gmstudio", family.__module__.partition(".")[0]))))
    with tracer:
        model = build_model(family, run_config(family, record), record.image, CPU)
    model.load_state_dict(state)
    draft = yield from beside(lambda: _composed(model.eval(), tracer, _head(family, record, step)))
    with torch.random.fork_rng(devices=[]):
        written = _built(draft)
    tensors = yield from beside(lambda: _checked(written, state, draft.expected))
    return ModelCode(draft.text, tensors, tuple(entry.name for entry, _value in draft.expected))


class _Draft(NamedTuple):
    """File that was not compared yet: its text, the name of its class, and what its entries have to return."""

    text: str
    name: str
    expected: list[tuple[Entry, Tensor]]


def _composed(model: Family, tracer: Tracer, head: str) -> _Draft:
    """Record what the entries of a model run through, and write them.

    Raises:
        NoCodeError: when it has none.
    """
    entries = list(entries_of(model))
    if not entries:
        raise NoCodeError(f"{model.card.title} has neither a score nor samples, so there is nothing to write.")
    with tracer:
        expected = [entry.call(model) for entry in entries]
        for entry in entries:
            entry.more()
    composer = Composer(model, tracer.records, entries, tracer.packages)
    names = tuple(entry.name for entry in entries)
    tail = program_of(composer.main.name, names, model.image)
    text = assembled(composer, head, tail, IMPORTS)
    return _Draft(text, composer.main.name, list(zip(entries, expected, strict=True)))


def _head(family: type[Family], record: RunRecord, step: int) -> str:
    about = (source_of(family.__module__).module.__doc__ or family.card.summary).strip()
    settings = ", ".join(f"{name} = {value}" for name, value in record.config.items()) or "the defaults"
    written = (
        f"This file was written by gmstudio {gmstudio.__version__} from a trained model: {family.card.title} on "
        f"{record.data}, images of {record.image}, {step:,} steps. Its settings ({settings}) are put in. It needs "
        f"torch and safetensors, and its weights in a file of its own name that ends in .safetensors."
    )
    lines = "\n".join(textwrap.wrap(written, COLUMNS))
    # The name of data and old settings are any text, which must not end the documentation and become code.
    return f"{about}\n\n{lines}".replace('"""', "'''").replace("\0", "")


def _built(draft: _Draft) -> Any:
    """Run the file, and build its model."""
    module = types.ModuleType("gmstudio_written_model")
    module.__file__ = WEIGHTS_NAME
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        exec(compile(draft.text, "model.py", "exec"), module.__dict__)  # our own sources, recomposed
        return getattr(module, draft.name)().eval()
    finally:
        del sys.modules[module.__name__]


def _checked(written: Any, state: dict[str, Tensor], expected: list[tuple[Entry, Tensor]]) -> dict[str, Tensor]:
    """Compare what the file computes with the model; return the weights that it needs.

    Raises:
        NoCodeError: when they differ.
    """
    wanted = {key: state[key] for key in written.state_dict() if key in state}
    written.load_state_dict(wanted)
    for entry, value in expected:
        if not _agree(entry.call(written), value):
            raise NoCodeError(f"The file of this model was not written: its {entry.name} differs from the model's.")
    return wanted


def _agree(one: Tensor, other: Tensor) -> bool:
    """Return whether scores agree to 1e-5, relative to their size, and images up to a few sub-pixels on the border."""
    if one.shape != other.shape:
        return False
    if not other.is_floating_point():
        return float((one != other).float().mean()) < MAX_BORDERLINE
    return torch.allclose(one, other, rtol=1e-5, atol=1e-5)

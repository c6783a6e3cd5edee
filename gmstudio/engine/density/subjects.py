"""Subjects of scoring made from runs: the run in training is copied, others are loaded from their checkpoints."""

import copy
import hashlib
import weakref

import torch

from gmstudio.data.dataset import Dataset
from gmstudio.engine.density.subject import Subject
from gmstudio.engine.runtime.context import ANY_FAMILY, EngineContext
from gmstudio.engine.runtime.run_data import load_run_data
from gmstudio.families.base import Family
from gmstudio.protocol.density import StatisticSettings

_DIGESTS: "weakref.WeakKeyDictionary[Family, str]" = weakref.WeakKeyDictionary()


def weights_digest(model: Family) -> str:
    """SHA-256 over names, types, shapes and bytes of a model's weights, in hexadecimal digits."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        tensor = value.detach().cpu().contiguous()
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy() if tensor.numel() else b"")
    return digest.hexdigest()


def subject_of(
    context: EngineContext, run: str, settings: StatisticSettings | None = None, background: str = ""
) -> Subject:
    """Return a run as a subject, with the other runs that settings of statistics name.

    The weights of a subject do not change: of the run in training it has a copy.

    Args:
        context: has the models.
        run: name of the run.
        settings: of statistics; None: no other run is needed.
        background: path of the background model where the settings leave it empty; empty: there is none.

    Raises:
        RunError: when a run or its checkpoints are missing or damaged.
        ValueError: when runs that are compared have images of different shapes or levels.
    """
    subject = _alone(context, run)
    others = {key: _alone(context, other) for key, other in other_runs(run, settings, background).items()}
    for other in others.values():
        if other.model.image != subject.model.image:
            raise ValueError(
                f"{other.run} has images of {other.model.image}, {run} of {subject.model.image}; statistics of several "
                "runs need the same images. Choose runs that were trained on the same data."
            )
    subject.others.update(others)
    return subject


def other_runs(run: str, settings: StatisticSettings | None, background: str = "") -> dict[str, str]:
    """Return the other runs that a subject has: key in ``Subject.others`` → run; see ``subject_of``."""
    if settings is None:
        return {}
    named = (settings.background, *settings.ensemble)
    found = {other: other for other in named if other and other != run}
    if background and not settings.background:
        found[""] = background
    return found


def _alone(context: EngineContext, run: str) -> Subject:
    loaded = context.model(run, ANY_FAMILY)
    model = loaded.model
    if context.is_live(run) and model is context.the_training().model:
        model = copy.deepcopy(model).eval()
        weights = weights_digest(model)  # another one after each step
    else:
        if model not in _DIGESTS:
            _DIGESTS[model] = weights_digest(model)
        weights = _DIGESTS[model]

    def dataset() -> Dataset:
        return load_run_data(context.data, loaded.record)

    return Subject(run=run, model=model, weights=weights, step=loaded.step, record=loaded.record, dataset=dataset)

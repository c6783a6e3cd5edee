"""Influence of single earlier sub-pixels on a conditional, measured by changing each of them.

Shapes: L levels.
"""

from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.pixels.attribution import checked_step
from gmstudio.engine.pixels.breakpoints import TINY
from gmstudio.engine.pixels.comparison import comparable, labels_for, order_for, session_for
from gmstudio.engine.pixels.generation import Generation
from gmstudio.engine.pixels.setting import PixelModel
from gmstudio.engine.runtime.inspection import exploring
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.base import Family
from gmstudio.protocol.array import Array
from gmstudio.protocol.pixels import InfluenceMeasured, MeasureInfluence

MOST_CHANGED = 64


def measure_influence(generation: Generation, model: Family | None, command: MeasureInfluence) -> InfluenceMeasured:
    """Measure how a conditional of a generation changes with single earlier sub-pixels.

    Every conditional is computed alone, by the same operations on one image: without influence it is the same to the
    last digit.

    Args:
        generation: its order and values are used.
        model: of another run; None: the generation's own.
        command: the request.

    Raises:
        ValueError: when a step is out of range, too many sub-pixels are to be changed, or the other model cannot be
            compared.
    """
    step = checked_step(generation, command.step)
    if not 1 <= len(command.changed) <= MOST_CHANGED:
        raise ValueError(f"{len(command.changed)} sub-pixels are to be changed; choose 1 to {MOST_CHANGED}.")
    for changed in command.changed:
        if not 0 <= changed < step:
            raise ValueError(f"Sub-pixel {changed} is not before sub-pixel {step}; change an earlier one.")
    values, top = generation.values[:step].copy(), generation.image.levels - 1
    before = [int(values[changed]) for changed in command.changed]
    after = [top if level <= top / 2 else 0 for level in before]
    pixels = generation.setting.model if model is None else comparable(generation, model)
    images = [values, *(_set(values, *change) for change in zip(command.changed, after, strict=True))]
    with nullcontext() if model is None else exploring(model):
        p_NL = np.stack([_conditional(generation, pixels, step, image) for image in images])
    p_NL, q_NL = np.broadcast_to(p_NL[:1], p_NL[1:].shape), p_NL[1:]
    ratio_NL = np.log(np.maximum(p_NL, TINY)) - np.log(np.maximum(q_NL, TINY))
    return InfluenceMeasured(
        request=command.request,
        session=generation.number,
        run=command.run,
        step=step,
        changed=command.changed,
        before=tuple(before),
        after=tuple(after),
        largest=Array.of(np.abs(p_NL - q_NL).max(axis=1).astype(np.float32)),
        kl=Array.of((p_NL * ratio_NL).sum(axis=1).clip(0.0).astype(np.float32)),
    )


def _set(values: NDArray[np.int64], at: int, level: int) -> NDArray[np.int64]:
    changed = values.copy()
    changed[at] = level
    return changed


def _conditional(
    generation: Generation, model: PixelModel, step: int, values: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(L,) conditional of a step given (step,) values of the sub-pixels before it."""
    with torch.inference_mode():
        if not isinstance(model, AutoregressiveFamily):
            session = session_for(generation, model)
            for value in values.tolist():
                session.place(torch.tensor([value], device=session.images.device))
            return session.conditional()[0].double().cpu().numpy()
        image_CHW = np.zeros(generation.image.shape, dtype=np.uint8)
        image_CHW[tuple(generation.order[:step].T)] = values
        x_1CHW = torch.from_numpy(image_CHW).unsqueeze(0).to(model.device)
        log_KL = model.log_components(x_1CHW, step, order_for(generation, model), labels_for(generation, model))[0]
        conditional: NDArray[np.float64] = log_KL.logsumexp(0).double().softmax(0).cpu().numpy()
        return conditional

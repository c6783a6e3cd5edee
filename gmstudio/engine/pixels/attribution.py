"""Attribution of one conditional to its context, and its mixture components.

The sensitivity of log p(x_i = v | x_<i) to each sub-pixel of its context is the gradient, where the family's
conditionals are smooth in the levels. Otherwise each sub-pixel is changed to other levels, and the largest change of
log p counts.

Shapes: C channels, H height, W width, L levels, K mixture components, N images in which one sub-pixel was changed.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.pixels.breakpoints import TINY
from gmstudio.engine.pixels.generation import Generation
from gmstudio.engine.pixels.setting import PixelSetting
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.protocol.array import Array
from gmstudio.protocol.pixels import AttributePixel, PixelAttributed

MAX_CHANGES = 4096
"""Changed images that are scored for one attribution; if all levels make more, only the farthest level is tried."""
CHANGES_AT_ONCE = 256

FloatArray = NDArray[np.float32]


def attribute(generation: Generation, command: AttributePixel) -> PixelAttributed:
    """Attribute a conditional of a generation.

    Raises:
        ValueError: when the step is beyond the current one, there is no such level, or the context is too large for
            a model without a gradient.
    """
    step = checked_step(generation, command.step)
    value = _checked_value(generation, step, command.value)
    field_CHW, image_CHW = generation.context_at(step), generation.image_at(step)
    setting = generation.setting
    model = setting.model
    components_KL: FloatArray | None = None
    is_smooth = False
    if isinstance(model, AutoregressiveFamily):
        is_smooth = model.differentiable
        sensitivity_CHW, log_KL = _slope(setting, model, step, image_CHW, value)
        components_KL = np.exp(log_KL) if len(log_KL) > 1 else None
    if not is_smooth:
        score = _scorer(generation, step, value)
        sensitivity_CHW = _differences(score, image_CHW, field_CHW, generation.image.levels)
    return PixelAttributed(
        request=command.request,
        session=generation.number,
        step=step,
        value=value,
        sensitivity=Array.of(np.where(field_CHW, sensitivity_CHW, 0.0).astype(np.float32)),
        kind="gradient" if is_smooth else "difference",
        receptive_field=Array.of(field_CHW),
        components=None if components_KL is None else Array.of(components_KL),
    )


def checked_step(generation: Generation, step: int) -> int:
    """Return the step of a conditional; −1 is the next one.

    Raises:
        ValueError: when it is beyond the current step, or none comes next.
    """
    if step == -1:
        step = generation.step
        if step == generation.image.num_dims:
            raise ValueError("The image is finished, no sub-pixel comes next; choose one of those that are placed.")
    if not 0 <= step <= min(generation.step, generation.image.num_dims - 1):
        raise ValueError(f"Sub-pixel {step} has no conditional yet; choose one up to the next, {generation.step}.")
    return step


def _checked_value(generation: Generation, step: int, value: int) -> int:
    if value == -1:
        placed = step < generation.step
        return int(generation.values[step] if placed else generation.conditional_at(step).argmax())
    if not 0 <= value < generation.image.levels:
        raise ValueError(f"Level {value} does not exist; choose 0 … {generation.image.levels - 1}.")
    return value


def _slope(
    setting: PixelSetting,
    model: AutoregressiveFamily,
    step: int,
    image_CHW: NDArray[np.uint8],
    value: int,
) -> tuple[FloatArray, FloatArray]:
    """Gradient in nats per whole range of levels (zeros where there is none), and log p by component, (K, L)."""
    levels_1CHW = torch.from_numpy(image_CHW).unsqueeze(0).to(model.device, next(model.parameters()).dtype)
    order = setting.order if setting.order is not None else model.own_order
    levels_1CHW.requires_grad_(model.differentiable)
    with torch.set_grad_enabled(model.differentiable):
        log_KL = model.log_components(levels_1CHW, step, order, setting.labels(1))[0]
        if not model.differentiable:
            return np.zeros(image_CHW.shape, dtype=np.float32), log_KL.float().cpu().numpy()
        (slope_1CHW,) = torch.autograd.grad(log_KL[:, value].logsumexp(0), levels_1CHW, materialize_grads=True)
    scaled = slope_1CHW[0] * (model.image.levels - 1)
    return scaled.float().cpu().numpy(), log_KL.detach().float().cpu().numpy()


def _scorer(generation: Generation, step: int, value: int) -> Callable[[NDArray[np.uint8]], FloatArray]:
    """Return a function from images (N, C, H, W) to log p(x_i = value | x_<i), (N,) nats."""
    setting = generation.setting
    model = setting.model
    if isinstance(model, AutoregressiveFamily):
        return partial(_family_score, setting, model, step, value)

    def by_stepping(images: NDArray[np.uint8]) -> FloatArray:
        session = setting.open_session(len(images), torch.zeros(generation.image.num_dims, len(images)))
        with torch.inference_mode():
            for channel, row, column in generation.order[:step]:
                session.place(torch.from_numpy(images[:, channel, row, column].astype(np.int64)))
            chosen: FloatArray = session.conditional()[:, value].float().cpu().numpy()
        return np.log(np.maximum(chosen, TINY))

    return by_stepping


def _family_score(
    setting: PixelSetting, model: AutoregressiveFamily, step: int, value: int, images: NDArray[np.uint8]
) -> FloatArray:
    """(N,) log p(x_i = value | x_<i) of images (N, C, H, W), in nats."""
    order = setting.order if setting.order is not None else model.own_order
    with torch.inference_mode():
        levels = torch.from_numpy(images).to(model.device)
        log_NKL = model.log_components(levels, step, order, setting.labels(len(images)))
        log_N: FloatArray = log_NKL[:, :, value].logsumexp(1).float().cpu().numpy()
    return log_N


def _differences(
    score: Callable[[NDArray[np.uint8]], FloatArray],
    image_CHW: NDArray[np.uint8],
    field_CHW: NDArray[np.bool_],
    levels: int,
) -> FloatArray:
    """(C, H, W): the largest change of log p by another level of each sub-pixel in the receptive field; 0 elsewhere."""
    changes_CHW = np.zeros(image_CHW.shape, dtype=np.float32)
    places = np.argwhere(field_CHW)
    if not len(places):
        return changes_CHW
    if len(places) > MAX_CHANGES:
        raise ValueError(
            f"This model has no gradient, and measuring the effect of each of {len(places):,} sub-pixels takes as "
            f"many evaluations; at most {MAX_CHANGES:,} are made. Choose an earlier sub-pixel or another model."
        )
    present = image_CHW[tuple(places.T)].astype(np.int64)
    if len(places) * (levels - 1) <= MAX_CHANGES:
        targets = (present[:, None] + np.arange(1, levels)) % levels
    else:
        targets = np.where(present < levels / 2, levels - 1, 0)[:, None]
    before = score(image_CHW[None])[0]
    changed = [(place, target) for place, row in enumerate(targets) for target in row]
    for begin in range(0, len(changed), CHANGES_AT_ONCE):
        chunk = changed[begin : begin + CHANGES_AT_ONCE]
        images = np.repeat(image_CHW[None], len(chunk), axis=0)
        for image, (place, target) in zip(images, chunk, strict=True):
            image[tuple(places[place])] = target
        for (place, _), change in zip(chunk, score(images) - before, strict=True):
            if abs(change) > abs(changes_CHW[tuple(places[place])]):
                changes_CHW[tuple(places[place])] = change
    return changes_CHW

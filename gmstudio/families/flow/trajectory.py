"""Trajectory of a flow: the state after each layer, from noise to the image, or from the image to its code and back.

Shapes: B batch, C channels, H height, W width, D = C·H·W.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from gmstudio.families.base import TrajectoryStep
from gmstudio.families.flow.layers import Chain, Step
from gmstudio.families.insides import WarpStep
from gmstudio.protocol.metrics import Metric

LOG_DENSITY = Metric("log density", "log p(h)", "nats", help="Log-density of the layer's activation under the model.")
LOG_DET = Metric("log determinant", "log |det J|", "nats", help="Log-determinant of the Jacobian of the layers so far.")

INVERSION_ERROR = Metric(
    "inversion error",
    "max |x − x′|",
    help="Largest difference of a pixel from the same layer's state on the way to the code; black to white is 1.",
)


def layer_trajectory(
    flow: Chain,
    h_BCHW: Tensor,
    log_density_B: Tensor,
    steps: int,
    *,
    inverse: bool,
    to_pixels: Callable[[Tensor], Tensor],
    to_images: Callable[[Tensor], Tensor],
) -> Iterator[TrajectoryStep]:
    """States of a flow layer by layer, without gradients: from noise to the image, or from the image x to z and back.

    Args:
        flow: the layers.
        h_BCHW: first state.
        log_density_B: its log-density, nats.
        steps: largest number of states after the first (of the way back as many as of the way to z); layers are left
            out evenly where there are more.
        inverse: run from the noise to the image, instead of there and back.
        to_pixels: map from a state to its continuous pixels in [0, 1].
        to_images: map from continuous pixels to images in [0, 1].

    Returns:
        A generator of steps; each layer runs only when its step, or a later one, is requested.
    """
    last = flow.num_steps
    shown = set(_shown(flow, steps, inverse=inverse))
    pixels: dict[int, Tensor] = {}
    for index, layer, h, log_det_B in _states(flow, h_BCHW, inverse=inverse):
        back = index > last
        if (last - layer if inverse else layer) not in shown:
            continue
        with torch.no_grad():
            y_BCHW = to_pixels(h)
            metrics = {LOG_DENSITY: log_density_B - log_det_B, LOG_DET: log_det_B}
            if not inverse:
                apart = (y_BCHW - pixels.setdefault(layer, y_BCHW)).abs().flatten(1).amax(1)
                metrics[INVERSION_ERROR] = apart
            images = to_images(y_BCHW)
        label = _layer_name(layer, last)
        if back:
            label = f"back {label}"
            if layer == 0:
                label = f"the image x′ that comes back, max |x − x′| = {float(apart.max()):.2g}"
        yield TrajectoryStep(images, metrics, label, layer)


@torch.no_grad()
def warped(
    flow: Chain,
    points_BCHW: Tensor,
    *,
    inverse: bool,
    to_line: Callable[[Tensor], Step],
    from_line: Callable[[Tensor], Tensor],
) -> Iterator[WarpStep]:
    """Points before the first layer and after each, from places to codes or back.

    Args:
        flow: the layers between the real line and the codes.
        points_BCHW: places in [0, 1), or codes.
        inverse: from codes to places.
        to_line: map from places to the real line, with its log |det|: the first layer of the flow.
        from_line: its inverse.
    """
    last = flow.num_steps + 1
    before = points_BCHW.new_zeros(len(points_BCHW))
    if inverse:
        yield WarpStep(_layer_name(last, last), points_BCHW.flatten(1), from_line(points_BCHW).flatten(1), before)
        h, log_det_B = points_BCHW, before
        for number, (h, log_det) in enumerate(flow.trail(points_BCHW, inverse=True), 1):
            log_det_B = before + log_det
            yield WarpStep(_layer_name(last - number, last), h.flatten(1), from_line(h).flatten(1), log_det_B)
        y_BCHW = from_line(h)
        log_det_B = log_det_B - to_line(y_BCHW)[1]
        yield WarpStep(_layer_name(0, last), y_BCHW.flatten(1), y_BCHW.flatten(1), log_det_B)
        return
    places_BD = points_BCHW.flatten(1)
    yield WarpStep(_layer_name(0, last), places_BD, places_BD, before)
    line, before = to_line(points_BCHW)
    yield WarpStep(_layer_name(1, last), line.flatten(1), places_BD, before)
    for number, (h, log_det) in enumerate(flow.trail(line, inverse=False), 2):
        yield WarpStep(_layer_name(number, last), h.flatten(1), from_line(h).flatten(1), before + log_det)


def num_shown(flow: Chain, steps: int, *, inverse: bool) -> int:
    """Number of states after the first of ``layer_trajectory``."""
    one_way = len(_shown(flow, steps, inverse=inverse)) - 1
    return one_way if inverse else 2 * one_way


def _shown(flow: Chain, steps: int, *, inverse: bool) -> list[int]:
    """Numbers of the states on the way to the code, or to the image, that are shown."""
    return _evenly(flow.num_steps + 1, (steps if inverse else max(1, steps // 2)) + 1)


def _states(flow: Chain, h: Tensor, *, inverse: bool) -> Iterator[tuple[int, int, Tensor, Tensor]]:
    """States from noise to the image, or from the image to the code and back.

    Yields:
        The number of the state, the layers between the image and it, the state, and log |det| since the first: (B,).
    """
    last, before = flow.num_steps, h.new_zeros(len(h))
    yield 0, last if inverse else 0, h, before
    index = 0
    for way in (True,) if inverse else (False, True):
        trail, since = flow.trail(h, inverse=way), before
        for number in range(1, last + 1):  # one layer per iteration, so that other work can run in between
            with torch.no_grad():
                h, log_det = next(trail)
                before = since + log_det
            index += 1
            yield index, last - number if way else number, h, before


def _layer_name(layer: int, last: int) -> str:
    """Label of the state after a number of layers."""
    return {0: "the image", last: "the code z"}.get(layer, f"after layer {layer} of {last}")


def _evenly(count: int, most: int) -> list[int]:
    """Up to ``most`` of the indices ``0 … count-1``, evenly spread, first and last among them."""
    if count <= most:
        return list(range(count))
    last = max(1, most - 1)
    return [round(i * (count - 1) / last) for i in range(last + 1)]

"""Trajectory of a flow: the state after each layer, from noise to the image or from the image to its code.

Shapes: B batch, C channels, H height, W width.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from gmstudio.families.base import TrajectoryStep
from gmstudio.families.flow.layers import Chain
from gmstudio.protocol.metrics import Metric

LOG_DENSITY = Metric("log density", "log p(h)", "nats", help="Log-density of the layer's activation under the model.")
LOG_DET = Metric("log determinant", "log |det J|", "nats", help="Log-determinant of the Jacobian of the layers so far.")


def layer_trajectory(
    flow: Chain,
    h_BCHW: Tensor,
    log_density_B: Tensor,
    steps: int,
    *,
    inverse: bool,
    to_images: Callable[[Tensor], Tensor],
) -> Iterator[TrajectoryStep]:
    """States of a flow layer by layer, without gradients.

    Args:
        flow: the layers.
        h_BCHW: first state.
        log_density_B: its log-density, nats.
        steps: largest number of states after the first; layers are left out evenly where there are more.
        inverse: run from the noise to the image.
        to_images: map from a state to its images in [0, 1].

    Returns:
        A generator of steps; each layer runs only when its step, or a later one, is requested.
    """
    last, trail = flow.num_steps, flow.trail(h_BCHW, inverse=inverse)
    shown = set(_evenly(last + 1, steps + 1))
    for index in range(last + 1):  # one layer per iteration, so that other work can run in between
        with torch.no_grad():
            state, log_det = next(trail) if index else (h_BCHW, h_BCHW.new_zeros(()))
            log_det_B = log_det.expand(len(h_BCHW))
            metrics = {LOG_DENSITY: log_density_B - log_det_B, LOG_DET: log_det_B}
            images = to_images(state)
        if index in shown:
            layer = last - index if inverse else index
            yield TrajectoryStep(images, metrics, _layer_name(layer, last), layer)


def _layer_name(layer: int, last: int) -> str:
    """Label of the state after a number of layers."""
    return {0: "the image", last: "the code z"}.get(layer, f"after layer {layer} of {last}")


def _evenly(count: int, most: int) -> list[int]:
    """Up to ``most`` of the indices ``0 … count-1``, evenly spread, first and last among them."""
    if count <= most:
        return list(range(count))
    last = max(1, most - 1)
    return [round(i * (count - 1) / last) for i in range(last + 1)]

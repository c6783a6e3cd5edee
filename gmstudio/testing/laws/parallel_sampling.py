"""Laws of exact parallel sampling: every sampler of a model gives the same images, byte for byte.

Shapes: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.autoregressive.session import AutoregressiveSession
from gmstudio.testing.laws.comparison import demand, demand_equal
from gmstudio.testing.laws.inputs import described, labels_of, random_images, seeded
from gmstudio.testing.laws.law import is_a, law

NUM_TIES = 3
"""Steps at which uniforms are set to thresholds; each takes a pass in double precision."""


@law(applies=is_a(AutoregressiveFamily))
def parallel_equals_sequential(
    model: AutoregressiveFamily, order: Tensor | None = None, label: int | None = None, *, batch: int = 2
) -> None:
    """Rounds of guesses end with the images that a session gives, at any temperature and with any observed sub-pixels.

    Args:
        model: examined in sessions and rounds of its own.
        order: generation order; None: the model's own.
        label: class that the images are conditioned on; None: no label.
        batch: images side by side.
    """
    observed = random_images(model.image, batch, seed=4)
    for temperature, num_given in ((1.0, 0), (0.0, 0), (0.6, model.image.num_dims // 3)):
        session = model.pixel_session(batch, order, seeded(7), labels=labels_of(label, batch))
        for position in session.order[:num_given].tolist():
            session.place(observed[:, *position].long())
        session.finish(temperature)
        _demand_rounds_to(model, session, label, temperature, observed.numpy(), num_given)
        if num_given == 0:
            sampled = model.sample(
                batch, seeded(7), temperature, order, labels=labels_of(label, batch), method="parallel"
            )
            demand_equal(sampled.cpu(), session.images, f"{described(model)}: sample by guesses gives other images.")


@law(applies=is_a(AutoregressiveFamily))
def rounding_decides_nothing(
    model: AutoregressiveFamily, order: Tensor | None = None, label: int | None = None, *, batch: int = 2
) -> None:
    """With uniforms on the thresholds between two values, all samplers still draw the same, in batches of any size.

    The arguments are those of ``parallel_equals_sequential``.
    """
    labels_B, levels = labels_of(label, batch), model.image.levels
    fast = model.pixel_session(batch, order, seeded(7), labels=labels_B)
    stride = -(-model.image.num_dims // NUM_TIES)
    while fast.position is not None:
        if fast.step % stride == stride - 1:
            cumulative_BL = fast.conditional().cumsum(1)
            fast.uniforms[fast.step] = cumulative_BL[:, fast.step % (levels - 1)].clamp(max=1.0 - 2.0**-24)
        fast.place(fast.draw())
    plain = model.plain_pixel_session(batch, order, labels=labels_B)
    plain.uniforms.copy_(fast.uniforms)
    plain.finish()
    demand_equal(plain.images, fast.images, f"{described(model)}: where a uniform is on a threshold, rounding decides.")
    for index in range(batch):
        alone = model.pixel_session(1, order, labels=labels_of(label, 1))
        alone.uniforms.copy_(fast.uniforms[:, index : index + 1])
        alone.finish()
        message = f"{described(model)}: an image alone differs from the same one in a batch."
        demand_equal(alone.images[0], fast.images[index], message)
    _demand_rounds_to(model, fast, label)


def _demand_rounds_to(
    model: AutoregressiveFamily,
    session: AutoregressiveSession,
    label: int | None,
    temperature: float = 1.0,
    given_BCHW: NDArray[np.uint8] | None = None,
    num_given: int = 0,
) -> None:
    """Check the rounds of guesses against a finished session."""
    images_BCHW, order_D3 = session.images.numpy(), session.order
    at, size, settled_B = tuple(order_D3.T.numpy()), len(order_D3), np.full(len(images_BCHW), num_given)
    labels_B = model.check_labels(labels_of(label, len(images_BCHW)), len(images_BCHW))
    rounds = model.parallel_rounds(
        session.uniforms, order_D3, temperature, labels_B=labels_B, given_BCHW=given_BCHW, num_given=num_given
    )
    for number, one in enumerate(rounds, start=1):
        demand(
            bool(((one.settled > settled_B) | (one.settled == size)).all()),
            f"{described(model)}: round {number} settles no further sub-pixel of some image.",
        )
        settled_B = one.settled
        is_final_BD = np.arange(size) < settled_B[:, np.newaxis]
        demand(
            bool((one.images[:, *at] == images_BCHW[:, *at])[is_final_BD].all()),
            f"{described(model)}: round {number} calls sub-pixels final that are not those of a session.",
        )
    demand(bool((settled_B == size).all()), f"{described(model)}: the rounds end before all sub-pixels are final.")
    demand_equal(
        torch.from_numpy(one.images), session.images, f"{described(model)}: the last round is not what a session gives."
    )

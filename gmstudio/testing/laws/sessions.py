"""Laws of pixel sessions: stepping through an image gives what scoring it gives, at any pace and after any rewinding.

Shapes: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W).
"""

import torch
from torch import Tensor, nn

from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.base import Autoregressive
from gmstudio.testing.laws.comparison import demand, demand_close, demand_equal
from gmstudio.testing.laws.inputs import copied, described, finish, labels_of, log_prob, open_session, seeded
from gmstudio.testing.laws.law import is_a, law
from gmstudio.testing.laws.models import AutoregressiveModel


@law(applies=is_a(Autoregressive))
def stepping_equals_scoring(
    model: AutoregressiveModel, order: Tensor | None = None, label: int | None = None, *, batch: int = 3
) -> None:
    """The log-probabilities of the values drawn in a session add up to ``log_prob`` of the finished images.

    Args:
        model: has ``pixel_session`` and ``log_prob``.
        order: generation order; None: the model's own.
        label: class that the images are conditioned on; None: no label.
        batch: images of the session.
    """
    session = open_session(model, batch, order, label)
    total_B = torch.zeros(batch, dtype=torch.float64)
    while session.position is not None:
        drawn_B = session.draw()
        total_B += session.conditional().double().gather(1, drawn_B.unsqueeze(1)).squeeze(1).log()
        session.place(drawn_B)
    demand_close(
        total_B.float(),
        log_prob(model, session.images, order, label).cpu(),
        f"{described(model)}: the log-probabilities of a session's steps do not add up to log_prob.",
        rtol=1e-5,
        atol=1e-4,
    )


@law(applies=is_a(AutoregressiveFamily))
def fast_equals_plain(
    model: AutoregressiveFamily, order: Tensor | None = None, label: int | None = None, *, batch: int = 2
) -> None:
    """The incremental sampler gives the conditionals of a full pass, and with the same noise the same images.

    Args:
        model: examined in a session of its own, a plain one and by ``sample``.
        order: generation order; None: the model's own.
        label: class that the images are conditioned on; None: no label.
        batch: images side by side.
    """
    labels_B = labels_of(label, batch)
    fast = model.pixel_session(batch, order, seeded(7), labels=labels_B)
    plain = model.plain_pixel_session(batch, order, seeded(7), labels=labels_B)
    while fast.position is not None:
        demand(
            fast.position == plain.position,
            f"{described(model)}: the incremental sampler is at {fast.position}, a plain session at {plain.position}.",
        )
        demand_close(
            fast.conditional(),
            plain.conditional(),
            f"{described(model)}: the incremental sampler's conditional at {fast.position} is not that of a full pass.",
            atol=1e-5,
        )
        fast.place(fast.draw())
        plain.place(plain.draw())
    demand(plain.position is None, f"{described(model)}: the incremental sampler ends before the image is complete.")
    demand_equal(fast.images, plain.images, f"{described(model)}: the incremental sampler draws other images.")
    sampled = model.sample(batch, seeded(7), order=order, labels=labels_B)
    demand_equal(sampled.cpu(), plain.images, f"{described(model)}: sample gives other images than a session.")


@law(applies=is_a(Autoregressive))
def rewinding_repeats(model: AutoregressiveModel) -> None:
    """Rewinding clears the later sub-pixels, and drawing them again gives the same images."""
    session = open_session(model, 2)
    finished = finish(session)
    size = model.image.num_dims
    for step in sorted({size - 1, size // 2, min(1, size - 1), 0}, reverse=True):
        session.rewind(step)
        demand(session.step == step, f"{described(model)}: after rewind({step}) a session is at step {session.step}.")
        later = tuple(session.order[step:].T)
        demand(
            not bool(session.images[:, *later].any()),
            f"{described(model)}: after rewind({step}) sub-pixels to come are not 0.",
        )
        demand_equal(
            finish(session), finished, f"{described(model)}: after rewind({step}) a session draws other images."
        )


@law(applies=is_a(AutoregressiveFamily))
def rewinding_recomputes(model: AutoregressiveFamily, order: Tensor | None = None, label: int | None = None) -> None:
    """After rewinding, other values may be placed, and the conditionals are those of a full pass over the new image.

    Steps forwards and backwards at random, sometimes without computing a conditional in between.

    Args:
        model: examined in a session of two images.
        order: generation order; None: the model's own.
        label: class that the images are conditioned on; None: no label.
    """
    size, levels, order_D3 = model.image.num_dims, model.image.levels, model.check_order(order)
    labels_B = model.check_labels(labels_of(label, 2), 2)
    session = model.pixel_session(2, order, labels=labels_B)
    noise = seeded(5)
    for _ in range(12):
        session.rewind(int(torch.randint(session.step + 1, (), generator=noise)))
        forward = int(torch.randint(size - session.step + 1, (), generator=noise))
        for _ in range(forward):
            if torch.rand((), generator=noise) < 0.5:
                session.conditional()
            session.place(torch.randint(levels, (2,), generator=noise))
        if session.position is not None:
            with torch.no_grad():
                logits_BCHWL = model.logits(session.images.to(model.device), order_D3, labels_B)
            demand_close(
                session.conditional(),
                logits_BCHWL[:, *session.position].softmax(-1).cpu(),
                f"{described(model)}: after rewinding, the conditional at {session.position} is not that of the "
                "image as it is now.",
                atol=1e-5,
            )


@law(applies=is_a(Autoregressive))
def a_session_keeps_its_weights(model: AutoregressiveModel) -> None:
    """A session that is open while the weights change finishes the image with the weights of its opening."""
    before = finish(open_session(model, 4))
    assert isinstance(model, nn.Module)
    changing = copied(model)
    session = open_session(changing, 4)
    session.place(session.draw())
    with torch.no_grad():
        for parameter in changing.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=seeded(3)).to(parameter))
    demand_equal(finish(session), before, f"{described(model)}: an open session draws with weights set after it.")


@law(applies=is_a(Autoregressive))
def temperature_zero_gives_the_mode(model: AutoregressiveModel, temperature: float = 0.0) -> None:
    """At temperature 0 (and in the limit towards it) a session draws the most likely value.

    Args:
        model: examined in a session of three images.
        temperature: 0, or so small that the most likely value takes all the probability.
    """
    session = open_session(model, 3)
    while session.position is not None:
        drawn_B = session.draw(temperature)
        demand_equal(
            drawn_B,
            session.conditional().argmax(1),
            f"{described(model)}: at temperature {temperature:g} a session does not draw the most likely values.",
        )
        session.place(drawn_B)


@law(applies=lambda model: isinstance(model, AutoregressiveFamily) and model.any_order)
def sessions_follow_the_order(model: AutoregressiveFamily, order: Tensor | None = None) -> None:
    """A session visits the sub-pixels in the order that it was opened with.

    Args:
        model: can generate in any order.
        order: (D, 3) rows (channel, row, column); None: the model's own.
    """
    session = open_session(model, 3, order)
    visited = []
    while (position := session.position) is not None:
        visited.append(list(position))
        session.place(session.draw())
    expected = model.check_order(order).tolist()
    demand(
        visited == expected == session.order.tolist(),
        f"{described(model)}: a session visits {visited[:3]} … where its order says {expected[:3]} …",
    )

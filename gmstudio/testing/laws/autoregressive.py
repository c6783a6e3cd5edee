"""Laws of models with the exact chain rule p(x) = ∏ p(x_i | x_<i): densities, conditionals and their order.

Shapes: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W), K mixture components.
"""

import torch
from torch import Tensor

from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.base import Autoregressive, Sampler
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.comparison import demand, demand_close, demand_equal
from gmstudio.testing.laws.inputs import (
    COUNTABLE,
    all_images,
    changed,
    copied,
    described,
    image_numbers,
    labels_of,
    log_prob,
    open_session,
    random_images,
    seeded,
)
from gmstudio.testing.laws.law import is_a, law
from gmstudio.testing.laws.models import AutoregressiveModel, ScoredSamplingModel

TINY = ImageSpec(1, 1, 2, 3)


@law(applies=is_a(Autoregressive), images=COUNTABLE)
def probabilities_sum_to_one(model: AutoregressiveModel, order: Tensor | None = None, label: int | None = None) -> None:
    """``exp(log_prob)`` sums to 1 over every image of a tiny specification.

    Args:
        model: of so few images that they can be summed over.
        order: generation order; None: the model's own.
        label: class that the density is conditioned on; None: no label.
    """
    total = sum(float(log_prob(model, x, order, label).double().exp().sum()) for x in all_images(model.image))
    demand(abs(total - 1.0) <= 1e-5, f"The probabilities of all images of {model.image} sum to {total:.7f}, not to 1.")


@law(applies=is_a(AutoregressiveFamily))
def autoregression(model: AutoregressiveFamily, order: Tensor | None = None, label: int | None = None) -> None:
    """Changing a sub-pixel leaves its own conditional and all earlier ones as they are.

    The whole image is there at once, so a wrong mask or order would let later sub-pixels leak into a conditional.

    Args:
        model: examined on one random image.
        order: generation order; None: the model's own.
        label: class that the conditionals are given; None: no label.
    """
    order_D3 = model.check_order(order)
    before_DL = _stepped_conditionals(model, random_images(model.image, 1, seed=1), order, label)
    for step, probs_DL in enumerate(_after_each_change(model, order_D3, label)):
        demand_close(
            probs_DL[: step + 1],
            before_DL[: step + 1],
            f"{described(model)}: the sub-pixel at step {step}, {_place(order_D3, step)}, changes a conditional that "
            "does not come after it.",
            atol=1e-6,
        )


@law(applies=is_a(AutoregressiveFamily), demanded=False)
def earlier_pixels_matter(model: AutoregressiveFamily, order: Tensor | None = None, label: int | None = None) -> None:
    """Changing a sub-pixel changes some later conditional.

    Not demanded of every model: independent sub-pixels are autoregressive too.

    Args:
        model: examined on one random image; a fresh network may have to be ``randomized`` first.
        order: generation order; None: the model's own.
        label: class that the conditionals are given; None: no label.
    """
    order_D3 = model.check_order(order)
    before_DL = _conditionals(model, random_images(model.image, 1, seed=1), order_D3, label)
    has_changed = any(
        not torch.allclose(probs_DL[step + 1 :], before_DL[step + 1 :], atol=1e-4)
        for step, probs_DL in enumerate(_after_each_change(model, order_D3, label))
    )
    demand(has_changed, f"{described(model)}: no sub-pixel has any influence on a later one.")


@law(applies=is_a(AutoregressiveFamily))
def conditionals_depend_on_their_context(model: AutoregressiveFamily, order: Tensor | None = None) -> None:
    """A context lies before its sub-pixel, and what is outside of it has no influence.

    Args:
        model: examined on one random image.
        order: generation order; None: the model's own.
    """
    order_D3 = model.check_order(order)
    x = random_images(model.image, 1, seed=1)
    reference_DL = _conditionals(model, x, order_D3, None)
    session = open_session(model, 1, order)
    contexts, placed = [], torch.zeros(model.image.shape, dtype=torch.bool)
    while (position := session.position) is not None:
        context_CHW = session.context()
        demand(
            context_CHW.shape == model.image.shape and context_CHW.dtype == torch.bool,
            f"{described(model)}: a context is {context_CHW.dtype} of shape {tuple(context_CHW.shape)}; it must be "
            f"bool of shape {model.image.shape}.",
        )
        demand(
            not bool((context_CHW & ~placed).any()),
            f"{described(model)}: the context of {position} contains sub-pixels that are not placed before it.",
        )
        contexts.append(context_CHW)
        session.place(x[:, *position].long())
        placed[position] = True
    for changed_step, probs_DL in enumerate(_after_each_change(model, order_D3, None)):
        channel, row, column = order_D3[changed_step].tolist()
        for step, context_CHW in enumerate(contexts):
            if not context_CHW[channel, row, column]:
                demand_close(
                    probs_DL[step],
                    reference_DL[step],
                    f"{described(model)}: {(channel, row, column)} is outside the context of "
                    f"{_place(order_D3, step)}, and changes its conditional.",
                    atol=1e-6,
                )


@law(applies=is_a(AutoregressiveFamily))
def components_sum_to_the_conditional(model: AutoregressiveFamily) -> None:
    """The components of each conditional, (B, K, L), sum to the probabilities that scoring uses."""
    x, order_D3 = random_images(model.image, 2, seed=3), model.own_order
    with torch.no_grad():
        expected_BCHWL = model.logits(x, order_D3).softmax(-1)
        for step, (channel, row, column) in enumerate(order_D3.tolist()):
            components_BKL = model.log_components(x, step, order_D3).exp()
            demand_close(
                components_BKL.sum(1),
                expected_BCHWL[:, channel, row, column],
                f"{described(model)}: the components at {(channel, row, column)} do not sum to the conditional.",
                atol=1e-5,
            )


@law(applies=lambda model: isinstance(model, AutoregressiveFamily) and model.differentiable)
def gradients_are_derivatives(model: AutoregressiveFamily) -> None:
    """The gradient of a conditional in the levels is what finite differences give, and 0 outside the receptive field.

    In float64, at a few steps of one random image.
    """
    model = copied(model).double()
    order_D3, size, epsilon = model.own_order, model.image.num_dims, 1e-6
    levels_BCHW = random_images(model.image, 1, seed=3).double()
    moves = epsilon * torch.eye(size, dtype=torch.float64).view(-1, *model.image.shape)
    for step in sorted({0, size // 2, max(0, size - 2), size - 1}):
        value = step % model.image.levels
        gradient_CHW = influence(model, levels_BCHW, step, value)
        with torch.no_grad():
            up, down = (
                model.log_components(levels_BCHW + sign * moves, step, order_D3)[:, :, value].logsumexp(1)
                for sign in (1, -1)
            )
        demand_close(
            gradient_CHW,
            ((up - down) / (2 * epsilon)).view(model.image.shape),
            f"{described(model)}: the gradient of log p at {_place(order_D3, step)} is not its derivative.",
            rtol=1e-5,
            atol=1e-7,
        )
        demand(
            not bool(gradient_CHW[~model.receptive_field(step, order_D3)].any()),
            f"{described(model)}: {_place(order_D3, step)} has a gradient outside its receptive field.",
        )


def influence(model: AutoregressiveFamily, levels_BCHW: Tensor, step: int, value: int) -> Tensor:
    """Gradient of log p(x_step = value | x_<step) in the levels of one image: (C, H, W), nats per level."""
    levels_BCHW = levels_BCHW.detach().requires_grad_(True)
    log_prob_1 = model.log_components(levels_BCHW, step, model.own_order)[0, :, value].logsumexp(0)
    (gradient_BCHW,) = torch.autograd.grad(log_prob_1, levels_BCHW)
    return gradient_BCHW[0]


@law(applies=lambda model: isinstance(model, AutoregressiveFamily) and model.any_order, demanded=False)
def order_matters(model: AutoregressiveFamily, order: Tensor | None = None) -> None:
    """Another generation order gives another likelihood.

    Not demanded of every model: the likelihood of independent sub-pixels is the same in every order.

    Args:
        model: can generate in any order.
        order: differs from the model's own; None: its reverse.
    """
    other_D3 = model.own_order.flip(0) if order is None else order
    x = random_images(model.image, 3, seed=1)
    demand(
        not torch.allclose(log_prob(model, x, other_D3), log_prob(model, x), atol=1e-4),
        f"{described(model)}: the likelihood is the same in another order.",
    )


@law(applies=lambda model: isinstance(model, AutoregressiveFamily) and model.num_classes > 0)
def each_image_has_its_own_label(model: AutoregressiveFamily) -> None:
    """In a batch of different labels, each image is generated and scored as with its label alone."""
    labels = torch.tensor([*range(model.num_classes), -1]).roll(1)
    x = model.sample(len(labels), seeded(7), labels=labels)
    with torch.no_grad():
        together_B = model.log_prob(x, labels=labels)
        for index, label in enumerate(labels.tolist()):
            alone_1 = log_prob(model, x[index : index + 1], label=None if label < 0 else label)
            demand_close(
                alone_1,
                together_B[index : index + 1],
                f"{described(model)}: an image of label {label} scores differently beside images of other labels.",
                atol=1e-4,
            )
    session = model.plain_pixel_session(len(labels), generator=seeded(7), labels=labels)
    session.finish()
    demand_equal(session.images, x.cpu(), f"{described(model)}: a batch of different labels is sampled differently.")


@law(applies=lambda model: isinstance(model, AutoregressiveFamily) and model.num_classes > 0, demanded=False)
def labels_matter(model: AutoregressiveFamily) -> None:
    """Given each label, and without any, the same image has another likelihood."""
    labels = torch.tensor([-1, *range(model.num_classes)])
    x = random_images(model.image, 1).expand(len(labels), -1, -1, -1)
    with torch.no_grad():
        nats = model.log_prob(x, labels=labels)
    distinct = len({round(value, 3) for value in nats.tolist()})
    demand(
        distinct == len(labels),
        f"{described(model)}: {len(labels)} labels (no label among them) give only {distinct} different likelihoods.",
    )


@law(applies=is_a(Autoregressive, Sampler), images=(TINY,))
def samples_follow_the_distribution(model: ScoredSamplingModel, num_samples: int = 4000) -> None:
    """Each image is sampled as often as its probability says, within five standard deviations.

    Args:
        model: of so few images that all can be counted; has ``log_prob`` and ``sample``.
        num_samples: images drawn.
    """
    probs_N = torch.cat([log_prob(model, x) for x in all_images(model.image)]).double().exp().cpu()
    drawn = image_numbers(model.sample(num_samples, seeded(7)).cpu(), model.image)
    shares_N = torch.bincount(drawn, minlength=len(probs_N)).double() / num_samples
    allowed_N = 5.0 * (probs_N * (1.0 - probs_N) / num_samples).sqrt() + 1.0 / num_samples
    worst = int(((shares_N - probs_N).abs() - allowed_N).argmax())
    demand(
        bool(((shares_N - probs_N).abs() <= allowed_N).all()),
        f"{described(model)}: image {worst} makes up {float(shares_N[worst]):.4f} of the samples, and has the "
        f"probability {float(probs_N[worst]):.4f}.",
    )


def _stepped_conditionals(model: AutoregressiveFamily, x: Tensor, order: Tensor | None, label: int | None) -> Tensor:
    """(D, L) probabilities of all sub-pixels of one image, in order, each from a pass without those to come."""
    session = model.plain_pixel_session(1, order, labels=labels_of(label, 1))
    probs = []
    while (position := session.position) is not None:
        probs.append(session.conditional()[0])
        session.place(x[:, *position].long())
    return torch.stack(probs)


def _conditionals(model: AutoregressiveFamily, x: Tensor, order_D3: Tensor, label: int | None) -> Tensor:
    """(D, L) probabilities of all sub-pixels of one image, in order, from one pass over the whole image."""
    labels_B = model.check_labels(labels_of(label, 1), 1)
    with torch.no_grad():
        logits_BCHWL = model.logits(x.to(model.device), order_D3, labels_B)
    return logits_BCHWL[0, *order_D3.T].softmax(-1)


def _after_each_change(model: AutoregressiveFamily, order_D3: Tensor, label: int | None) -> list[Tensor]:
    """``_conditionals`` of the random image after a change of each of its sub-pixels, in order."""
    x = random_images(model.image, 1, seed=1)
    return [
        _conditionals(model, changed(x, _place(order_D3, step), model.image.levels), order_D3, label)
        for step in range(len(order_D3))
    ]


def _place(order_D3: Tensor, step: int) -> tuple[int, int, int]:
    """(channel, row, column) at a step of an order."""
    channel, row, column = order_D3[step].tolist()
    return channel, row, column

"""Laws of training: gradients, losses, noise, repetition, storage, and learning a batch.

They hold for every family. Models are copied before they are trained or changed.
"""

import math

import torch
from msgspec import structs
from safetensors.torch import load, save
from torch import Tensor

from gmstudio.families.base import Autoregressive, Bounded, Encoder, Estimated, Family, Latent, Phase, Sampler
from gmstudio.testing.laws.comparison import demand, demand_close, demand_equal
from gmstudio.testing.laws.inputs import (
    copied,
    described,
    random_codes,
    random_images,
    randomized,
    state_of,
    train,
)
from gmstudio.testing.laws.law import is_a, law

every_family = is_a(Family)


@law(applies=every_family)
def every_parameter_gets_a_gradient(model: Family, batch: int = 16) -> None:
    """Each phase's loss reaches all of the phase's parameters and no others; together the phases move all that train.

    Args:
        model: its parameters that require a gradient are the ones that train.
        batch: random images in the loss.
    """
    model = copied(model).train()
    owners: dict[int, str] = {}
    for phase in model.phases():
        model.zero_grad(set_to_none=True)
        phase.loss(random_images(model.image, batch).to(model.device), _noise(model))["loss"].backward()
        own = {id(parameter) for parameter in phase.parameters}
        demand(not own & owners.keys(), f"{described(model)}: two phases move the same parameter.")
        owners |= dict.fromkeys(own, phase.name)
        for name, parameter in model.named_parameters():
            gradient = parameter.grad
            if id(parameter) in own:
                demand(
                    gradient is not None and bool(torch.isfinite(gradient).all()) and bool((gradient != 0).any()),
                    f"{described(model)}: {name} gets no gradient, or one that is not finite, from phase "
                    f"{phase.name!r}.",
                )
            else:
                demand(gradient is None, f"{described(model)}: phase {phase.name!r} reaches {name}, which it must not.")
    left_out = [name for name, p in model.named_parameters() if p.requires_grad and id(p) not in owners]
    demand(not left_out, f"{described(model)}: no phase moves {', '.join(left_out)}.")


@law(applies=every_family)
def losses_are_explained(model: Family) -> None:
    """Losses are finite scalars, and the card's objective for these settings explains each of them and no other."""
    terms = model.card.objective(structs.asdict(model.config)).terms
    explained = {term.name for term in terms if not term.validation_only}
    phases = copied(model).phases()
    recorded = set()
    for phase in phases:
        for name, value in _loss(phase, random_images(model.image, 4), model).items():
            demand(
                value.shape == () and bool(torch.isfinite(value)),
                f"{described(model)}: {name} of phase {phase.name!r} is not a finite scalar: {value}.",
            )
            recorded.add(f"{phase.name}_loss" if name == "loss" and len(phases) > 1 else name)
    demand(
        recorded == explained,
        f"{described(model)}: the losses are {sorted(recorded)}, and the card explains {sorted(explained)}.",
    )


@law(applies=lambda model: isinstance(model, Family) and isinstance(model, Autoregressive))
def a_loss_called_a_likelihood_is_one(model: Family) -> None:
    """The loss is the mean −log p(x) in evaluation mode, where the card says that it is in nats per image."""
    terms = {term.name: term for term in model.card.objective(structs.asdict(model.config)).terms}
    if not terms["loss"].per_image_nats:
        return
    model = copied(model).eval()  # training may draw orders, masks or labels
    assert isinstance(model, Autoregressive)
    (phase,) = model.phases()
    x = random_images(model.image, 5)
    with torch.no_grad():
        expected = -model.log_prob(x).mean()
    demand_close(
        _loss(phase, x, model)["loss"], expected, f"{described(model)}: the loss is not the mean of −log p(x).",
        atol=1e-6, rtol=1e-5,
    )  # fmt: skip


@law(applies=every_family)
def noise_comes_from_the_generator(model: Family, noisy: bool = False) -> None:
    """The same generator gives the same losses, and the global random state is left alone.

    Args:
        model: examined in evaluation mode, in which a loss changes nothing.
        noisy: whether the losses are noisy, so that another seed gives another loss.
    """
    model = copied(model).eval()
    batch = random_images(model.image, 8)
    before, stored = torch.get_rng_state(), state_of(model)
    for phase in model.phases():
        first = _loss(phase, batch, model, seed=5)["loss"].detach()
        again = _loss(phase, batch, model, seed=5)["loss"].detach()
        demand_equal(again, first, f"{described(model)}: a seed does not repeat the loss of phase {phase.name!r}.")
        if noisy:
            other = _loss(phase, batch, model, seed=6)["loss"].detach()
            demand(not torch.equal(other, first), f"{described(model)}: two seeds give the same loss.")
    demand_equal(torch.get_rng_state(), before, f"{described(model)}: a loss moves the global random state.")
    for name, value in model.state_dict().items():
        demand_equal(value, stored[name], f"{described(model)}: computing a loss in evaluation mode changes {name}.")


@law(applies=every_family)
def integer_types_are_alike(model: Family) -> None:
    """Losses (and ``log_prob``) are the same for images of every integer type."""
    x = random_images(model.image, 4)
    expected = [_loss(phase, x, model)["loss"] for phase in copied(model).phases()]
    for dtype in (torch.int8, torch.int16, torch.int32, torch.int64):
        if dtype == torch.int8 and model.image.levels > 128:
            continue
        for phase, loss in zip(copied(model).phases(), expected, strict=True):
            demand_equal(
                _loss(phase, x.to(dtype), model)["loss"],
                loss,
                f"{described(model)}: the loss of phase {phase.name!r} differs for {dtype} and uint8.",
            )
        if isinstance(model, Autoregressive):
            with torch.no_grad():
                demand_equal(
                    model.log_prob(x.to(dtype)),
                    model.log_prob(x),
                    f"{described(model)}: log_prob differs for {dtype} and uint8.",
                )


@law(applies=every_family)
def a_seed_repeats(model: Family, steps: int = 3) -> None:
    """Two copies trained with the same noise have the same losses and the same weights, bit for bit.

    Args:
        model: left as it is.
        steps: of training.
    """
    batch = random_images(model.image, 8)
    first, second = copied(model), copied(model)
    losses = [train(trained, batch, steps) for trained in (first, second)]
    demand(losses[0] == losses[1], f"{described(model)}: one seed gave the losses {losses[0]} and {losses[1]}.")
    for (name, value), other in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        demand_equal(value, other, f"{described(model)}: training twice with one seed gives two values of {name}.")


@law(applies=every_family)
def saving_and_loading_change_nothing(model: Family) -> None:
    """Weights and buffers stored by safetensors and loaded into another model make it the same, in training too."""
    batch = random_images(model.image, 8)
    trained, other = copied(model), randomized(copied(model), spread=0.3, seed=9)
    train(trained, batch, steps=2)
    other.load_state_dict(load(save(trained.state_dict())))
    for (what, mine), (_, theirs) in zip(_answers(trained.eval()), _answers(other.eval()), strict=True):
        demand_equal(theirs, mine, f"{described(model)}: {what} is another after saving and loading.")
    losses = [train(each, batch, steps=2) for each in (trained, other)]
    demand(losses[0] == losses[1], f"{described(model)}: training continues differently after saving and loading.")


@law(applies=lambda model: isinstance(model, Family) and len(model.phases()) == 1)
def one_batch_can_be_overfitted(
    model: Family, batch: Tensor | None = None, *, steps: int = 150, learning_rate: float = 1e-2, share: float = 0.7
) -> None:
    """Training on one image alone makes it likely: its score comes near what a perfect model would have.

    The score is −log p(x), or its bound or estimate, or else the loss, whichever the model has first.

    Args:
        model: with one phase; left as it is.
        batch: (B, C, H, W) integers to learn; None: one random image, eight times.
        steps: of training.
        learning_rate: Adam's.
        share: part of the first score, or of that of uniform noise where this is lower, that may be left.
    """
    batch = random_images(model.image, 1).repeat(8, 1, 1, 1) if batch is None else batch
    model = copied(model)
    first = _score(model, batch)
    if isinstance(model, Autoregressive | Bounded):
        first = min(first, model.image.num_dims * math.log(model.image.levels))
    train(model, batch, steps, learning_rate)
    last = _score(model, batch)
    demand(
        last <= share * first,
        f"{described(model)}: after {steps} steps on one batch the score is {last:.4g}; it must be at most "
        f"{share * first:.4g}.",
    )


@law(applies=every_family)
def losses_stay_in_float32(model: Family, relative: float | None = None) -> None:
    """Under bfloat16 autocast losses are finite float32 numbers, and so are the gradients.

    Args:
        model: left as it is.
        relative: how far the loss may be from that of float32 arithmetic, as a part of it; None: any distance, for
            losses whose noise is drawn otherwise in low precision.
    """
    model = copied(model)
    batch = random_images(model.image, 32)
    for phase in model.phases():
        exact = _loss(phase, batch, model)["loss"].detach()
        with torch.autocast(model.device.type, dtype=torch.bfloat16):
            terms = _loss(phase, batch, model)
        for name, value in terms.items():
            demand(
                value.dtype == torch.float32 and bool(torch.isfinite(value)),
                f"{described(model)}: {name} is {value} of {value.dtype} under bfloat16; it must be a finite float32.",
            )
        terms["loss"].backward()
        for parameter in phase.parameters:
            demand(
                parameter.grad is None or bool(torch.isfinite(parameter.grad).all()),
                f"{described(model)}: a gradient of phase {phase.name!r} is not finite under bfloat16.",
            )
        if relative is not None:
            demand_close(
                terms["loss"], exact, f"{described(model)}: the loss of phase {phase.name!r} is far off in bfloat16.",
                atol=0.0, rtol=relative,
            )  # fmt: skip


def _noise(model: Family, seed: int = 0) -> torch.Generator:
    return torch.Generator(model.device).manual_seed(seed)


def _loss(phase: Phase, batch: Tensor, model: Family, seed: int = 0) -> dict[str, Tensor]:
    """Loss terms of a phase with noise of this seed."""
    return phase.loss(batch.to(model.device), _noise(model, seed))


def _score(model: Family, batch: Tensor) -> float:
    """Mean of −log p(x), of its bound or of its estimate, nats per image; else the loss."""
    model.eval()
    with torch.no_grad():
        if isinstance(model, Autoregressive):
            return -float(model.log_prob(batch).mean())
        if isinstance(model, Bounded):
            return -float(model.elbo(batch, 20, _noise(model)).mean())
        if isinstance(model, Estimated):
            return -float(model.log_prob_estimate(batch, 50, _noise(model)).mean())
        (phase,) = model.phases()
        return float(phase.loss(batch, _noise(model))["loss"])


@torch.no_grad()
def _answers(model: Family) -> list[tuple[str, Tensor]]:
    """Outputs of a model, each with its name."""
    x = random_images(model.image, 5).to(model.device)
    found = [(f"the loss of phase {phase.name!r}", _loss(phase, x, model)["loss"]) for phase in model.phases()]
    if isinstance(model, Autoregressive):
        found.append(("log_prob", model.log_prob(x)))
    if isinstance(model, Sampler):
        found.append(("a sample", model.sample(3, _noise(model))))
    if isinstance(model, Latent):
        found.append(("a decoded image", model.decode(random_codes(model, 3).to(model.device))))
    if isinstance(model, Encoder):
        found.append(("a code", model.encode(x)))
    return found

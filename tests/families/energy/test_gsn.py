"""The generative stochastic network: stationary distribution of the chain, effects of noise and walkback."""

from itertools import islice

import pytest
import torch
from torch import Tensor

from gmstudio.engine.evaluation.likelihood import kind_of_score
from gmstudio.families.energy.gsn import GSN, RECONSTRUCTION
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.metrics import DISTANCE
from gmstudio.testing.laws.inputs import every_image, image_numbers, seeded

BINARY = ImageSpec(1, 2, 3, 2)
GREY = ImageSpec(1, 1, 3, 3)


def build(image: ImageSpec, **config: object) -> GSN:
    torch.manual_seed(0)
    return GSN(parse_config(GSN.Config, {"num_hidden": 48, **config}), image)


def fit(model: GSN, every: Tensor, probs: Tensor, steps: int = 400) -> Tensor:
    """Train on draws from a distribution over all images; the share of each among the model's samples."""
    adam, noise = torch.optim.Adam(model.parameters(), 3e-3), seeded(1)
    for _ in range(steps):
        batch = every[torch.multinomial(probs, 64, replacement=True, generator=noise)]
        adam.zero_grad()
        model.train().loss(batch, noise)["loss"].backward()
        adam.step()
    samples = model.eval().sample(4000, seeded())
    return torch.bincount(image_numbers(samples, model.image), minlength=len(every)).float() / 4000


@pytest.mark.parametrize("image", [BINARY, GREY], ids=str)
@pytest.mark.parametrize("num_layers", [1, 2])
def test_the_chain_finds_the_datas_distribution_where_the_conditionals_are_exact(
    image: ImageSpec, num_layers: int
) -> None:
    """Independent pixels: there, and only there, is p(x|h) of independent pixels the true conditional."""
    every = every_image(image)
    of_level_DL = torch.softmax(torch.randn(image.num_dims, image.levels, generator=seeded(3)), dim=1)
    probs = of_level_DL[torch.arange(image.num_dims), every.flatten(1).long()].prod(1)
    share = fit(build(image, num_layers=num_layers, num_walkback=1, hidden_noise=0.2), every, probs)
    assert 0.5 * (share - probs).abs().sum() < 0.15, "total variation"


def test_the_chain_stays_with_images_that_are_far_apart() -> None:
    every = every_image(BINARY)
    probs = torch.zeros(64)
    probs[[0b000111, 0b111000, 0b101101]] = torch.tensor([0.2, 0.4, 0.4])
    share = fit(build(BINARY, num_walkback=3, corruption=0.1, hidden_noise=0.2), every, probs)
    assert share[probs > 0].sum() > 0.7 and (share[probs > 0] > 0.02).all()


def test_walkback_asks_each_step_for_the_image_at_the_start() -> None:
    model = build(BINARY, num_walkback=3, hidden_noise=0.0)
    batch = torch.randint(2, (16, *BINARY.shape), generator=seeded(), dtype=torch.uint8)
    terms = model.eval().loss(batch, seeded(4))
    noise, hidden, x, nats = seeded(4), model.transition.empty(model._grey(batch)), batch, []
    for step in range(3):
        features, hidden = model._step(model._grey(x), hidden, noise)
        nats.append(-model.likelihood.log_prob(features, batch).mean())
        if step < 2:
            x = model._draw(features, noise)
    torch.testing.assert_close(terms["loss"], torch.stack(nats).mean())
    assert torch.equal(terms["first_step"], nats[0].detach()) and torch.equal(terms["last_step"], nats[-1].detach())


def test_only_upper_layers_remember() -> None:
    x = torch.randint(2, (4, *BINARY.shape), generator=seeded(), dtype=torch.uint8)
    for num_layers in (1, 2, 3):
        model = build(BINARY, num_layers=num_layers, hidden_noise=0.0).eval()
        empty = model.transition.empty(model._grey(x))
        full = tuple(torch.ones_like(layer) for layer in empty)
        fresh, _ = model._step(model._grey(x), empty, seeded(2))
        after, _ = model._step(model._grey(x), full, seeded(2))
        assert torch.equal(fresh, after) == (num_layers == 1)


def test_gradients_reach_the_top_layer_only_through_a_walkback() -> None:
    x = torch.randint(2, (8, *BINARY.shape), generator=seeded(), dtype=torch.uint8)
    for num_walkback in (1, 2):
        model = build(BINARY, num_layers=2, num_walkback=num_walkback)
        model.loss(x, seeded())["loss"].backward()
        top = model.transition.up[1].weight.grad
        assert (top is not None and bool((top != 0).any())) == (num_walkback == 2)


def test_hidden_noise_matters_and_none_of_it_leaves_only_corruption() -> None:
    x = torch.randint(2, (4, *BINARY.shape), generator=seeded(), dtype=torch.uint8)
    grey = x.float()
    for noise in (0.0, 0.5):
        model = build(BINARY, hidden_noise=noise).eval()
        empty = model.transition.empty(grey)
        first, _ = model.transition(grey, empty, seeded(1))
        second, _ = model.transition(grey, empty, seeded(2))
        assert torch.equal(first, second) == (noise == 0.0)


def test_hidden_units_have_noise_before_and_after_their_tanh() -> None:
    model = build(BINARY, hidden_noise=0.8, num_layers=1, num_hidden=400).eval()
    with torch.no_grad():
        for parameter in model.transition.parameters():
            parameter.zero_()
    grey = torch.zeros(200, *BINARY.shape)
    _, (hidden,) = model.transition(grey, model.transition.empty(grey), seeded())
    eps = torch.linspace(-8.0, 8.0, 4001, dtype=torch.float64)
    weight = torch.softmax(-0.5 * eps.square(), 0)
    before = float((weight * torch.tanh(0.8 * eps).square()).sum())
    assert float(hidden.detach().var()) == pytest.approx(before + 0.8**2, rel=0.02)
    assert before > 0.2


def test_the_trajectory_measures_what_the_chain_does() -> None:
    model = build(BINARY).eval()
    x = torch.randint(2, (4, *BINARY.shape), generator=seeded(), dtype=torch.uint8)
    steps = list(model.trajectory(x, 4, 3, seeded(5)))
    states = [x, *islice(model.chain(x, seeded(5)), 3)]
    for state, step in zip(states, steps, strict=True):
        apart = (state.float() - x.float()).square().flatten(1).mean(1).sqrt()
        torch.testing.assert_close(step.metrics[DISTANCE], apart)
        assert (step.metrics[RECONSTRUCTION] < 0).all()


def test_it_only_generates_and_says_so() -> None:
    with pytest.raises(ValueError, match="GSN gives no likelihood: it only generates"):
        kind_of_score(build(BINARY), 100)
    assert "Parzen" in GSN.card.summary

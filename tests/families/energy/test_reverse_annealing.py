"""Reverse annealing against brute force: its mean is the likelihood of the annealing, below the machine's."""

import numpy as np
import torch
from test_rbm import build
from torch import Tensor

from gmstudio.engine.evaluation.conservative import ConservativeScore, conservative_score
from gmstudio.engine.evaluation.likelihood import score
from gmstudio.families.energy.annealed_importance import annealing_betas
from gmstudio.families.energy.rbm import RBM
from gmstudio.families.energy.reverse_annealing import reverse_annealing
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.inputs import every_image, seeded

SMALL = ImageSpec(1, 2, 3, 2)


def unnormalized(model: RBM, x_BD: Tensor, beta: float) -> Tensor:
    """Log p*_β of states, float64."""
    machine, base = model.machine, model._base_bias().double()
    bias = torch.lerp(base, machine.visible_bias.double(), beta)
    activation = x_BD @ machine.weight_VH.double() + machine.hidden_bias_H.double()
    return x_BD @ bias.squeeze(1) + torch.nn.functional.softplus(beta * activation).sum(1)


def exact_annealing(model: RBM, num_temperatures: int) -> tuple[Tensor, Tensor]:
    """Every state's p_ann, by products of the transition matrices, and p: float64, (2^D,) each."""
    machine, base = model.machine, model._base_bias().double()
    x_ND = every_image(SMALL).flatten(1).double()
    hidden = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * machine.num_hidden).double()
    p_ann = torch.softmax(unnormalized(model, x_ND, 0.0), 0)
    for beta in annealing_betas(num_temperatures)[1:]:
        to_h = torch.sigmoid(beta * (x_ND @ machine.weight_VH.double() + machine.hidden_bias_H.double()))
        bias = torch.lerp(base, machine.visible_bias.double(), beta).squeeze(1)
        to_x = torch.sigmoid(bias + beta * hidden @ machine.weight_VH.double().T)
        p_h = torch.where(hidden[None] == 1, to_h[:, None], 1 - to_h[:, None]).prod(2)
        p_x = torch.where(x_ND[None] == 1, to_x[:, None], 1 - to_x[:, None]).prod(2)
        p_ann = p_ann @ (p_h @ p_x)
    return p_ann, torch.softmax(unnormalized(model, x_ND, 1.0), 0)


@torch.no_grad()
def bounds(model: RBM, num_chains: int, num_temperatures: int, seed: int = 0) -> Tensor:
    x_ND = every_image(SMALL).flatten(1).float()
    *_, found = reverse_annealing(model.machine, model._base_bias(), x_ND, num_chains, num_temperatures, seeded(seed))
    assert isinstance(found, Tensor)
    return found.double()


@torch.no_grad()
def test_the_weights_have_the_mean_of_the_annealings_likelihood() -> None:
    model = build(SMALL, 4, scale=1.0)
    p_ann, p = exact_annealing(model, 3)
    assert abs(p_ann.sum() - 1) < 1e-9 and (p_ann / p).log().abs().max() > 0.1, "three temperatures differ visibly"
    found = bounds(model, 20_000, 3).exp()
    assert torch.allclose(found, p_ann, rtol=0.05)


@torch.no_grad()
def test_it_is_on_average_below_the_exact_likelihood_and_approaches_it() -> None:
    model = build(SMALL, 4, scale=1.5)
    _, p = exact_annealing(model, 3)
    exact = float((p * p.log()).sum())
    gaps = []
    for temperatures, runs in ((3, 40), (30, 40), (300, 10)):
        found = torch.stack([bounds(model, 8, temperatures, seed) for seed in range(runs)]).mean(0)
        gaps.append(exact - float((p * found).sum()))
    assert gaps[0] > gaps[1] > gaps[2] > -0.02 and gaps[0] > 0.1 and gaps[2] < 0.1, gaps


def test_more_chains_make_it_tighter() -> None:
    model = build(SMALL, 4, scale=2.0)
    one, many = (torch.stack([bounds(model, chains, 5, seed).mean() for seed in range(5)]).mean() for chains in (1, 50))
    assert one < many


def test_a_score_that_flatters_is_paired_with_one_that_does_not() -> None:
    spec = ImageSpec(1, 5, 5, 2)
    model = build(spec, 21, scale=2.5, num_temperatures=3)  # too large to enumerate
    images = torch.randint(2, (60, 1, 5, 5), generator=seeded(), dtype=torch.uint8).numpy()
    *_, found = score(model, images, 100)
    assert found is not None
    *_, conservative = conservative_score(model, images, found.nats, seed=0)
    assert isinstance(conservative, ConservativeScore) and len(conservative.nats) == 50
    rows = np.sort(np.random.default_rng(0).permutation(60)[:50])
    assert conservative.mean_nats < conservative.estimate_nats == found.nats[rows].mean()
    exact = build(SMALL, 4)
    assert not list(conservative_score(exact, images[:, :, :2, :3].copy(), found.nats, seed=0)), "log Z is summed"

"""The Boltzmann machine against brute force: free energies, gradients, the chain's distribution, log Z two ways."""

import itertools
import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from gmstudio.engine.evaluation.likelihood import kind_of_score, score
from gmstudio.families.energy.annealed_importance import (
    LogZ,
    anneal_until_effective,
    annealing_betas,
    estimate_log_z,
)
from gmstudio.families.energy.chain_samplers import RBMSampler
from gmstudio.families.energy.rbm import RBM
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.inputs import every_image, image_numbers, seeded

BINARY = ImageSpec(1, 3, 3, 2)
GREY = ImageSpec(1, 2, 2, 4)
MANY = ImageSpec(3, 1, 1, 11)
ALL = [BINARY, GREY, MANY]


def build(image: ImageSpec, num_hidden: int = 4, scale: float = 0.7, **config: object) -> RBM:
    torch.manual_seed(0)
    model = RBM(parse_config(RBM.Config, {"num_hidden": num_hidden, "num_chains": 8, **config}), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=seeded(1)))
    return model


def energies(model: RBM, x: Tensor) -> Tensor:
    """-E(x, h) of (B, …) images and every hidden state, by its definition, float64: (B, 2^J)."""
    machine = model.machine
    phi_LF = machine.units.level_features().double()
    scores_DL = machine.units.level_scores(machine.visible_bias.detach().double())
    h = torch.tensor(list(itertools.product((0.0, 1.0), repeat=machine.num_hidden)), dtype=torch.float64)
    rows = []
    for image in x.flatten(1).long():
        phi = torch.cat([phi_LF[level] for level in image])
        score_x = sum(scores_DL[d, level] for d, level in enumerate(image))
        rows.append(score_x + h @ machine.hidden_bias_H.detach().double() + h @ (phi @ machine.weight_VH.double()))
    return torch.stack(rows).detach()


def annealed_log_z(model: RBM, chains: int, temperatures: int = 3000, generator: torch.Generator | None = None) -> LogZ:
    return estimate_log_z(model.machine, model._base_bias(), chains, temperatures, generator)


def exact_nll(model: RBM, batch: Tensor) -> Tensor:
    """-log p(x), averaged, with a graph through log Z: every image is summed over."""
    log_z = torch.logsumexp(-model.free_energy(every_image(model.image)), dim=0)
    return (model.free_energy(batch) + log_z).mean()


@pytest.mark.parametrize("image", ALL, ids=str)
def test_free_energy_sums_over_all_hidden_states(image: ImageSpec) -> None:
    model, x = build(image), every_image(image)[::7]
    torch.testing.assert_close(model.free_energy(x).double(), -energies(model, x).logsumexp(1), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("image", ALL, ids=str)
def test_conditionals_are_those_of_the_joint(image: ImageSpec) -> None:
    model, x = build(image), every_image(image)
    log_joint = energies(model, x)
    h = torch.tensor(list(itertools.product((0.0, 1.0), repeat=4)), dtype=torch.float64)
    torch.testing.assert_close(model.encode(x).double(), log_joint.softmax(1) @ h, atol=1e-5, rtol=1e-4)
    means = log_joint.softmax(0).T @ (x.flatten(1).double() / (image.levels - 1))
    torch.testing.assert_close(model.decode(h.float()).flatten(1).double(), means, atol=1e-5, rtol=1e-4)
    code = h.float().requires_grad_()
    model.decode(code).sum().backward()
    assert code.grad is not None and bool((code.grad != 0).any())


@pytest.mark.parametrize("image", ALL, ids=str)
@pytest.mark.parametrize("num_hidden", [3, 14])
def test_probabilities_sum_to_one_from_either_layer(image: ImageSpec, num_hidden: int) -> None:
    model, x = build(image, num_hidden), every_image(image)
    exact = model.machine.log_z_exact()
    assert exact == pytest.approx(float((-model.free_energy(x)).detach().double().logsumexp(0)), abs=1e-4)
    assert model.log_prob_estimate(x).double().exp().sum().item() == pytest.approx(1.0, abs=1e-4)
    assert kind_of_score(model, 100) == "exact log-likelihood, log Z by enumeration"


@pytest.mark.parametrize("image", ALL, ids=str)
def test_the_first_batch_sets_the_biases_of_the_pixels(image: ImageSpec) -> None:
    model, batch = build(image), every_image(image)[::3]
    model.eval().loss(batch, seeded())
    before = model.machine.visible_bias.detach().clone()
    model.train().loss(batch, seeded())
    units = model.machine.units
    rates = units.log_odds(units.mean_counts(units.state(batch, before)))
    torch.testing.assert_close(model.machine.visible_bias.detach(), rates)
    assert not torch.equal(before, rates), "looking at the loss alone moves nothing"
    model.loss(batch[:2], seeded())
    torch.testing.assert_close(model.machine.visible_bias.detach(), rates)


@pytest.mark.parametrize("levels", [2, 4, 16])
def test_a_pixel_that_is_empty_in_all_images_moves_no_weights(levels: int) -> None:
    model = build(ImageSpec(1, 1, 3, levels), scale=0.1, negative_phase="cd").train()
    model.rates_seen += 1.0
    with torch.no_grad():
        bias = model.machine.visible_bias
        bias[0] = -50.0
        if levels > 2:
            bias[0, 0] = 50.0
    batch = torch.randint(levels, (16, 1, 1, 3), generator=seeded())
    batch[..., 0] = 0
    model.loss(batch, seeded())["loss"].backward()
    gradient_VH = model.machine.weight_VH.grad
    assert gradient_VH is not None
    of_pixels = gradient_VH.unflatten(0, (3, -1)).abs().amax(dim=(1, 2))
    assert of_pixels[0] < 1e-12 < of_pixels[1:].min()


def test_no_annealing_runs_are_refused_in_words() -> None:
    model = build(ImageSpec(1, 5, 5, 2), 21)
    with pytest.raises(ValueError, match="num_samples is 0; an estimate needs at least 1 annealing run"):
        model.log_prob_estimate(torch.zeros(1, 1, 5, 5, dtype=torch.uint8), 0)


def test_a_machine_too_large_to_enumerate_says_so() -> None:
    with pytest.raises(ValueError, match=r"21 hidden units and 25 sub-pixels of 2 levels: .* at most 2\^20 states"):
        build(ImageSpec(1, 5, 5, 2), 21).machine.log_z_exact()


@pytest.mark.parametrize("image", [ImageSpec(1, 2, 5, 2), GREY, MANY], ids=str)
def test_annealed_importance_sampling_finds_log_z_within_its_error(image: ImageSpec) -> None:
    model = build(image, 8, scale=0.7)
    exact = model.machine.log_z_exact()
    for seed in range(3 if image.levels == 2 else 1):
        found = annealed_log_z(model, 200, 400, seeded(seed))
        assert found.low < found.value < found.high
        assert found.low < exact < found.high
        assert found.high - found.low < 1.0
        assert 50 < found.effective_chains <= 200
    rough = annealed_log_z(model, 200, 5, seeded())
    assert rough.effective_chains < found.effective_chains, "short annealing knows that it is rough"
    assert rough.high - rough.low > found.high - found.low


def test_the_base_of_the_annealing_is_exact_where_there_are_no_weights() -> None:
    model = build(GREY, 5, scale=0.0)
    found = annealed_log_z(model, 5, 10, seeded())
    assert found.value == pytest.approx(model.machine.log_z_exact(), abs=1e-4) and found.high - found.low < 1e-4


def test_annealing_refuses_what_it_cannot_do_and_ends_at_the_machine() -> None:
    model = build(BINARY)
    with pytest.raises(ValueError, match=r"1 chains: .* at least 2"):
        annealed_log_z(model, 1)
    with pytest.raises(ValueError, match=r"0 temperatures: .* at least 1"):
        annealed_log_z(model, 5, 0)
    betas = annealing_betas(290)
    assert betas[0] == 0.0 and betas[-1] == 1.0 and len(betas) == 291
    assert all(low < high for low, high in itertools.pairwise(betas))


@pytest.mark.parametrize(("num_temperatures", "runs"), [(3, 40), (10, 40), (120, 16)])
def test_what_is_claimed_of_log_z_holds_where_few_chains_are_effective(num_temperatures: int, runs: int) -> None:
    """A machine with strong weights: short annealing misses log Z by its three sigma in more than every third run."""
    model = build(ImageSpec(1, 3, 4, 2), 10, scale=2.5)
    exact, base = model.machine.log_z_exact(), model._base_bias()
    missed = held = bounds = 0
    for seed in range(runs):
        plain = annealed_log_z(model, 100, num_temperatures, seeded(seed))
        missed += not plain.low < exact < plain.high
        *_, found = anneal_until_effective(model.machine, base, 100, num_temperatures, seeded(seed))
        assert isinstance(found, LogZ)
        bounds += found.is_lower_bound
        held += found.confident_low < exact if found.is_lower_bound else found.low < exact < found.high
        assert found.is_lower_bound == (found.effective_chains < 50)
        assert found.num_temperatures <= 8 * num_temperatures
        assert found.num_temperatures == 8 * num_temperatures or not found.is_lower_bound
    assert held >= runs - 2
    assert num_temperatures > 10 or (missed > 13 and bounds > 30)
    assert num_temperatures < 120 or bounds < runs / 2


def test_a_bound_of_log_z_is_called_one_and_warned_of() -> None:
    model = build(ImageSpec(1, 5, 5, 2), 21, scale=2.5, num_temperatures=3)
    x = torch.randint(2, (3, 1, 5, 5), generator=seeded(), dtype=torch.uint8)
    *_, found = score(model, x.numpy(), 100)
    assert found is not None and "upper bound in expectation, log Z ≥ " in found.kind
    assert "100 chains and 24 temperatures, only" in found.kind and "with 95 % confidence log Z ≥" in found.kind
    assert "an estimate takes 50" in found.warning and "--samples" in found.warning
    weak = build(ImageSpec(1, 5, 5, 2), 21, scale=0.1, num_temperatures=20)
    *_, found = score(weak, x.numpy(), 100)
    assert found is not None and found.kind.startswith("estimate, log Z by annealed") and not found.warning


def test_an_estimate_is_shared_by_batches_until_the_weights_move() -> None:
    model = build(ImageSpec(1, 5, 5, 2), 21, num_temperatures=200)
    x = torch.randint(2, (70, 1, 5, 5), generator=seeded(), dtype=torch.uint8)
    *_, found = score(model, x.numpy(), 60)
    assert found is not None and "100 chains" in found.kind and "three sigma from" in found.kind
    both = model.log_prob_estimate(x, 60, seeded(9)) + model.free_energy(x)
    assert both.std() < 1e-4
    assert torch.equal(model.log_prob_estimate(x, 60), model.log_prob_estimate(x, 60))
    before = model.log_prob_estimate(x, 60)
    with torch.no_grad():
        model.machine.hidden_bias_H.add_(0.5)
    assert not torch.allclose(model.log_prob_estimate(x, 60, seeded(1)) + model.free_energy(x), both)
    assert not torch.equal(model.log_prob_estimate(x, 60), before)


@pytest.mark.parametrize("image", ALL, ids=str)
@pytest.mark.parametrize("negative_phase", ["cd", "pcd"])
def test_the_closed_form_gradient_is_autograds(image: ImageSpec, negative_phase: str) -> None:
    settings = {"weight_decay": 0.2, "sparsity_cost": 0.7, "sparsity_target": 0.3, "num_gibbs": 2}
    model = build(image, negative_phase=negative_phase, **settings).eval()
    batch = every_image(image)[::5]
    seen: list[Tensor] = []
    free_energy = model.machine.free_energy
    model.machine.free_energy = lambda x, a: (seen.append(x), free_energy(x, a))[1]  # type: ignore[method-assign]
    terms = model.loss(batch, seeded())
    (2.0 * terms["loss"]).backward()
    got = [0.5 * p.grad for p in model.machine.parameters() if p.grad is not None]
    model.zero_grad()
    data, fake = (x.to(torch.uint8).view(-1, *image.shape) for x in seen)
    activity = model.encode(data).mean(0)
    entropy = functional.binary_cross_entropy(activity, torch.full_like(activity, 0.3), reduction="sum")
    loss = model.free_energy(data).mean() - model.free_energy(fake).mean() + 0.7 * entropy
    loss = loss + 0.1 * model.machine.weight_VH.square().sum()
    loss.backward()
    torch.testing.assert_close(terms["loss"], loss.detach(), atol=1e-4, rtol=1e-5)
    for mine, parameter in zip(got, model.machine.parameters(), strict=True):
        torch.testing.assert_close(mine, parameter.grad, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("image", [BINARY, GREY], ids=str)
def test_with_the_models_own_distribution_the_gradient_is_the_likelihoods(image: ImageSpec) -> None:
    """Chains that hold exact draws, very many of them, against the exact likelihood and its finite differences."""
    model = build(image, 3, num_gibbs=1, num_chains=8192, scale=0.5).eval()
    x = every_image(image)
    batch = x[::9]
    with torch.no_grad():
        drawn = torch.multinomial((-model.free_energy(x)).softmax(0), 8192, replacement=True, generator=seeded())
        model.chains.copy_((torch.rand(8192, 3, generator=seeded(1)) < model.encode(x[drawn])).to(torch.uint8))
    model.loss(batch, seeded(2))["loss"].backward()
    stochastic = [p.grad.clone() for p in model.machine.parameters() if p.grad is not None]
    exact = torch.autograd.grad(exact_nll(model, batch), list(model.machine.parameters()))
    for mine, true in zip(stochastic, exact, strict=True):
        torch.testing.assert_close(mine, true, atol=0.03, rtol=0)
    weight, step = model.machine.weight_VH, 1e-2
    for place in ((0, 0), (2, 1)):
        with torch.no_grad():
            weight[place] += step
            up = exact_nll(model, batch)
            weight[place] -= 2 * step
            down = exact_nll(model, batch)
            weight[place] += step
        assert float(up - down) / (2 * step) == pytest.approx(float(exact[0][place]), abs=1e-3)


@pytest.mark.parametrize("negative_phase", ["cd", "pcd"])
def test_the_models_images_are_so_many_gibbs_steps_away(negative_phase: str) -> None:
    image, n = GREY, 8192
    x = every_image(image)
    expected = []
    for k in (1, 4):
        model = build(image, 3, scale=2.0, negative_phase=negative_phase, num_gibbs=k, num_chains=n).eval()
        joint = energies(model, x)
        of_hidden, of_image = joint.softmax(1), joint.softmax(0)  # p(h|x), p(x|h): (X, H)
        start = int((-model.free_energy(x)).argmin())  # a rare image
        last = int(joint.logsumexp(0).argmin())  # and a rare hidden state, in binary
        share_H = of_hidden[start]
        if negative_phase == "pcd":
            share_H = functional.one_hot(torch.tensor(last), joint.shape[1]).double()
            model.chains.copy_(torch.tensor([int(bit) for bit in f"{last:03b}"]).expand(n, 3))
        for _ in range(k - 1):
            share_H = of_hidden.T @ (of_image @ share_H)
        expected.append(float((of_image @ share_H) @ model.free_energy(x).detach().double()))
        terms = model.loss(x[start : start + 1].expand(n, -1, -1, -1), seeded(k))
        assert float(terms["free_energy_samples"]) == pytest.approx(expected[-1], abs=0.25)
    assert abs(expected[0] - expected[1]) > 1.0, "the case tells the two apart"


@pytest.mark.parametrize("image", ALL, ids=str)
def test_the_chain_leaves_the_exact_distribution_as_it_is(image: ImageSpec) -> None:
    model, x, n = build(image, 3), every_image(image), 20_000
    probs = model.log_prob_estimate(x).double().exp()
    start = x[torch.multinomial(probs, n, replacement=True, generator=seeded())]
    chain = model.chain(start, seeded(1))
    for _ in range(3):
        end = next(chain)
    counts = torch.bincount(image_numbers(end, image), minlength=len(x)).double()
    common = probs * n > 5
    chi2 = float(((counts - n * probs).square() / (n * probs))[common].sum())
    freedom = int(common.sum()) - 1
    assert abs(chi2 - freedom) < 5 * math.sqrt(2 * freedom)
    assert (end != start).flatten(1).any(1).float().mean() > 0.3, "it does move"


def test_an_annealed_step_leaves_the_distribution_of_its_temperature_as_it_is() -> None:
    model, x, n, beta = build(BINARY, 4, scale=1.2), every_image(BINARY), 40_000, 0.4
    machine = model.machine
    base = torch.randn(machine.units.bias_shape, generator=seeded(4))
    state = machine.units.state(x, machine.weight_VH)
    with torch.no_grad():
        bias = (1 - beta) * base + beta * machine.visible_bias
        log_p = machine.units.score(bias, state) + functional.softplus(beta * machine.activation(state)).sum(1)
        probs = log_p.double().softmax(0)
        start = state[torch.multinomial(probs, n, replacement=True, generator=seeded())]
        end = machine.annealed_step(start, beta, base, seeded(1))
    counts = torch.bincount((end.long() * 2 ** torch.arange(8, -1, -1)).sum(1), minlength=len(x)).double()
    common = probs * n > 5
    chi2 = float(((counts - n * probs).square() / (n * probs))[common].sum())
    freedom = int(common.sum()) - 1
    assert abs(chi2 - freedom) < 5 * math.sqrt(2 * freedom)
    assert (end != start).any(1).float().mean() > 0.3, "it does move"


def test_annealed_samples_come_at_their_probability() -> None:
    model, x, n = build(BINARY, 4), every_image(BINARY), 20_000
    counts = torch.bincount(
        image_numbers(model.sample(n, seeded(), RBMSampler(steps=40)), BINARY), minlength=len(x)
    ).double()
    probs = model.log_prob_estimate(x).double().exp()
    common = probs * n > 5
    chi2 = float(((counts - n * probs).square() / (n * probs))[common].sum())
    freedom = int(common.sum()) - 1
    assert abs(chi2 - freedom) < 5 * math.sqrt(2 * freedom)


@pytest.mark.parametrize("image", ALL, ids=str)
def test_the_pseudo_likelihood_is_unbiased(image: ImageSpec) -> None:
    model, x = build(image), every_image(image)
    batch = x[3:4].repeat(4000, 1, 1, 1)
    mean = model.eval().loss(batch, seeded())["pseudo_nll"].item()
    log_prob = {tuple(i.tolist()): p for i, p in zip(x.flatten(1), -model.free_energy(x).detach(), strict=True)}
    exact = 0.0
    for d in range(image.num_dims):
        given = batch[0].flatten().tolist()
        every = torch.stack([log_prob[(*given[:d], level, *given[d + 1 :])] for level in range(image.levels)])
        exact -= float(every.log_softmax(0)[given[d]])
    assert mean == pytest.approx(exact, rel=0.05)


def test_persistent_chains_move_in_training_only_and_are_stored() -> None:
    model = build(BINARY)
    batch = every_image(BINARY)[:32]
    before = model.chains.clone()
    model.eval().loss(batch, seeded())
    assert torch.equal(model.chains, before)
    model.train().loss(batch, seeded())
    assert not torch.equal(model.chains, before)
    assert torch.equal(model.state_dict()["chains"], model.chains)
    assert "chains" not in build(BINARY, negative_phase="cd").state_dict()


def test_the_rates_of_levels_are_the_datas() -> None:
    model = build(GREY).train()
    batch = torch.randint(4, (64, *GREY.shape), generator=seeded(), dtype=torch.uint8)
    for part in batch.split(16):
        model.loss(part, seeded())
    torch.testing.assert_close(model.level_rates, functional.one_hot(batch.flatten(1).long(), 4).float().mean(0))


def test_sparsity_makes_hidden_units_rare() -> None:
    batch = torch.randint(2, (64, *BINARY.shape), generator=seeded(), dtype=torch.uint8)
    activity = {}
    for cost in (0.0, 5.0):
        model = build(BINARY, 16, scale=0.1, sparsity_cost=cost, sparsity_target=0.05).train()
        adam = torch.optim.Adam(model.parameters(), 0.02)
        for step in range(60):
            adam.zero_grad()
            model.loss(batch, seeded(step))["loss"].backward()
            adam.step()
        activity[cost] = float(model.encode(batch).detach().mean())
    assert activity[5.0] < 0.1 < activity[0.0]

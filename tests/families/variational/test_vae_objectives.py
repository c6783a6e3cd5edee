"""Objectives of the variational autoencoder: importance weighting, free bits, warm-up."""

from typing import Any

import msgspec
import pytest
import torch
from tiny_families import fit
from torch import Tensor
from vae_models import TINY, build, exact_log_prob

from gmstudio.families.variational import vae as vae_module
from gmstudio.families.variational.base import standard_normal
from gmstudio.families.variational.vae import VAE
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import every_image, random_images, seeded

# ---- objectives --------------------------------------------------------------------------------------------


def gradient_of(model: VAE, loss: Tensor) -> Tensor:
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))])


def test_the_importance_weighted_gradient_of_one_draw_is_that_of_the_elbo(monkeypatch: pytest.MonkeyPatch) -> None:
    image, n = ImageSpec(1, 2, 2, 3), 60_000
    weighted, plain = build(image, num_latent=2, num_importance=2), build(image, num_latent=2)
    x = random_images(image, 1).expand(n, -1, -1, -1)
    two = gradient_of(weighted, weighted.loss(x, seeded(1))["loss"])
    monkeypatch.setattr(vae_module, "standard_normal", lambda mean, _k, noise: standard_normal(mean, 1, noise))
    monkeypatch.setattr(vae_module.math, "log", lambda _k: 0.0)  # of one draw, so that the path of many has just one
    one = gradient_of(weighted, weighted.loss(x, seeded(2))["loss"])
    monkeypatch.undo()
    expected = gradient_of(plain, plain.loss(x, seeded(3))["loss"])
    error = 0.02 * expected.norm()
    assert (one - expected).norm() < error
    assert (two - expected).norm() > 2 * error, "two draws have another gradient"


def test_the_importance_weighted_loss_is_minus_the_estimate() -> None:
    image = ImageSpec(1, 3, 3, 4)
    model = build(image, scale=2.0, num_importance=5)
    x = random_images(image, 2000)
    estimate = model.log_prob_estimate(x, 5, seeded(1)).mean()
    terms = model.loss(x, seeded(2))
    assert -terms["loss"].item() == pytest.approx(estimate.item(), abs=0.1)
    assert terms["negative_elbo"].item() == pytest.approx(-model.elbo(x, 5, seeded(3)).mean().item(), abs=0.1)
    assert terms["loss"] < terms["negative_elbo"]


def test_training_on_more_draws_reaches_a_higher_likelihood() -> None:
    image = ImageSpec(1, 2, 3, 2)
    data = every_image(image)[torch.tensor([0, 5, 11, 22, 41, 63, 63, 5])].repeat(8, 1, 1, 1)
    reached = []
    for draws in (1, 20):
        model = build(image, num_latent=2, num_importance=draws)
        fit(model, data, 300)
        reached.append(exact_log_prob(model, data[:8]).mean().item())
    assert reached[1] > reached[0] + 0.05


def test_free_bits_leave_a_cheap_dimension_alone_and_count_it_in_full() -> None:
    image = ImageSpec(1, 3, 3, 2)
    plain, free = build(image, scale=2.0), build(image, scale=2.0, free_bits=0.7)
    x = random_images(image, 16)
    kl = plain.kl_per_dim(x).mean(0)
    assert (kl < 0.7).any() and (kl > 0.7).any(), "the case is about both sides"
    terms = free.loss(x, seeded())
    torch.testing.assert_close(terms["loss"], terms["reconstruction"] + kl.clamp(min=0.7).sum())
    torch.testing.assert_close(terms["kl"], kl.sum())
    torch.testing.assert_close(terms["negative_elbo"], plain.loss(x, seeded())["loss"])
    generous = build(image, scale=2.0, free_bits=100.0)
    reconstruction_only = build(image, scale=2.0, beta=0.0)
    gradients = [gradient_of(m, m.loss(x, seeded())["loss"]) for m in (generous, reconstruction_only)]
    assert torch.equal(*gradients)


def test_kl_warm_up_rises_in_training_alone() -> None:
    image = ImageSpec(1, 3, 3, 2)
    model, plain = build(image, kl_warmup=4, beta=2.0), build(image, beta=2.0)
    x = random_images(image, 8)
    for weight in (0.0, 0.5, 1.0, 1.5, 2.0, 2.0):
        model.eval()
        with torch.no_grad():
            assert torch.equal(model.loss(x, seeded())["loss"], plain.loss(x, seeded())["loss"]), "in full"
        model.train()
        with torch.no_grad():
            model.loss(x, seeded())  # looks, and is no step
        terms = model.loss(x, seeded())
        torch.testing.assert_close(terms["loss"], terms["reconstruction"] + weight * terms["kl"])
        terms["loss"].backward()
    assert torch.equal(model.elbo(x, 3, seeded()), plain.elbo(x, 3, seeded()))


def test_a_model_without_warm_up_has_the_tensors_that_it_always_had() -> None:
    assert "kl_steps" not in build(TINY).state_dict()
    assert "kl_steps" in build(TINY, kl_warmup=1).state_dict()


def test_free_bits_of_importance_samples_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"Free bits are 0\.1 with 5 importance samples.*Set free bits to 0"):
        build(TINY, free_bits=0.1, num_importance=5)


VARIANTS: list[dict[str, Any]] = [
    {},
    {"beta": 4.0},
    {"kl_warmup": 10},
    {"free_bits": 0.1},
    {"free_bits": 0.1, "kl_warmup": 10, "beta": 2.0},
    {"num_importance": 3},
    {"num_importance": 3, "beta": 0.5},
    {"num_importance": 3, "kl_warmup": 10},
]


def test_the_card_has_the_formula_and_terms_of_every_variant() -> None:
    formulas = set()
    for config in VARIANTS:
        model = build(TINY, **config)
        objective = VAE.card.objective(msgspec.to_builtins(model.config))
        terms = {term.name: term for term in objective.terms}
        laws.losses_are_explained(model)
        assert terms["loss"].per_image_nats == (config in ({}, {"num_importance": 3}))
        assert (r"\beta" in objective.latex) == bool({"beta", "kl_warmup"} & config.keys() or "free_bits" in config)
        assert ("t/T" in objective.latex) == ("kl_warmup" in config or config == {"num_importance": 3, "beta": 0.5})
        formulas.add(objective.latex)
    assert len(formulas) == len(VARIANTS) - 1, "the last two share one"

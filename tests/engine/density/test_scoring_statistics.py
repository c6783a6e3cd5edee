"""Each statistic against its formula, on models whose probabilities can be enumerated."""

import math

import numpy as np
import pytest
import torch
from autoregressive_cases import make
from scoring_subjects import BINARY, all_of, scored, subject_of_model

from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.density.statistics import statistic_named, statistics_of
from gmstudio.engine.density.statistics.discriminator import DiscriminatorOutput
from gmstudio.engine.density.statistics.log_prob import LogProb, log_mean_exp
from gmstudio.engine.density.statistics.reconstruction import Reconstruction
from gmstudio.families import FAMILIES
from gmstudio.protocol.density import StatisticSettings
from gmstudio.protocol.images import ImageSpec

TINY = ImageSpec(1, 2, 2, 2)
CONDITIONAL = {"num_layers": 1, "num_channels": 4, "num_head_channels": 5, "num_classes": 3}


def log_prob(model: object, **settings: object) -> LogProb:
    return LogProb(subject_of_model(model), StatisticSettings(**settings), 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("family", ["made", "nade", "fvbn", "pixelcnn"])
def test_exact_scores_are_a_distribution(family: str) -> None:
    statistic = log_prob(make(family, {}, BINARY))
    found = scored(statistic, all_of())
    assert statistic.kind == "exact" and found.errors is None and found.kind_text == "exact log-likelihood"
    assert np.exp(found.values).sum() == pytest.approx(1, abs=1e-5)
    with torch.no_grad():
        expected = statistic.subject.model.log_prob(torch.from_numpy(all_of()))
    np.testing.assert_allclose(found.values, expected.numpy(), rtol=1e-5)


def test_a_boltzmann_machine_that_is_summed_is_exact() -> None:
    statistic = log_prob(make("rbm", {"num_hidden": 4}, BINARY))
    found = scored(statistic, all_of())
    assert statistic.kind == "exact" and found.errors is None and "by enumeration" in found.kind_text
    assert np.exp(found.values).sum() == pytest.approx(1, abs=1e-4)


def test_an_estimate_lies_within_its_errors_of_the_integral() -> None:
    """Of one latent dimension log p(x) = log ∫ p(x|z) N(z) dz is summed over a fine grid."""
    model = make("vae", {"num_latent": 1, "num_hidden": 8}, TINY)
    statistic = log_prob(model, num_samples=60)
    images = np.concatenate([all_of(TINY)] * 8)
    found = scored(statistic, images)
    assert statistic.kind == "estimate" and found.errors is not None
    assert found.kind_text == "importance-weighted estimate, 60 samples an image"
    grid_G = torch.linspace(-9, 9, 4001)
    x_BCHW = torch.from_numpy(images)
    with torch.no_grad():
        log_GB = model.log_likelihood(x_BCHW, grid_G.view(-1, 1, 1).expand(-1, len(images), 1))
    log_GB = log_GB - 0.5 * grid_G.square()[:, None] - 0.5 * math.log(2 * math.pi) + math.log(18 / 4000)
    exact_B = log_GB.double().logsumexp(0).numpy()
    assert np.exp(exact_B[: len(all_of(TINY))]).sum() == pytest.approx(1, abs=1e-3)
    distances = (found.values - exact_B) / found.errors
    assert np.abs(distances).max() < 6 and 0.5 < np.sqrt(np.mean(distances**2)) < 1.8


def test_the_error_of_a_log_mean_is_that_of_repeated_estimates() -> None:
    random = np.random.default_rng(0)
    weights = random.normal(-300.0, 0.5, (50, 4000))
    values, errors = log_mean_exp(weights)
    np.testing.assert_allclose(values + 300, np.log(np.exp(weights + 300).mean(0)))
    assert values.std() == pytest.approx(errors.mean(), rel=0.1)
    one, unknown = log_mean_exp(weights[:1])
    np.testing.assert_allclose(one, weights[0])
    assert np.isnan(unknown).all()
    none, _ = log_mean_exp(np.full((3, 1), -np.inf))
    assert none[0] == -np.inf


@pytest.mark.parametrize("num_samples", [16, 11, 1])
def test_a_bound_is_that_of_the_family_below_the_probability(num_samples: int) -> None:
    model = make("ddpm", {"num_timesteps": 3, "network": "dense", "num_hidden": 16}, TINY, spread=0.05)
    statistic = log_prob(model, num_samples=num_samples)
    images = np.concatenate([all_of(TINY)] * 4)
    found = scored(statistic, images)
    assert statistic.kind == "lower bound" and found.errors is not None
    generator = torch.Generator().manual_seed(5)
    many = torch.from_numpy(all_of(TINY)).repeat(500, 1, 1, 1)
    expected = model.elbo(many, num_samples=8, generator=generator).view(500, -1).double().mean(0).numpy()
    assert np.exp(expected).sum() < 1
    if num_samples == 1:
        assert np.isnan(found.errors).all() and "one sample" in found.kind_text
        return
    assert f"{num_samples} samples an image" in found.kind_text
    distances = (found.values - np.tile(expected, 4)) / found.errors
    assert np.abs(distances).max() < 8 and np.sqrt(np.mean(distances**2)) < 2.5


def test_the_likelihoods_of_a_class_conditional_model() -> None:
    model = make("gated_pixelcnn", CONDITIONAL, BINARY).eval()
    labels = np.array([0, 0, 0, 2])
    split = Split(np.zeros((4, *BINARY.shape), np.uint8), labels)
    subject = subject_of_model(model, dataset=Dataset("made", {}, BINARY, split, split, split))
    images, given_labels = all_of(), np.arange(len(all_of())) % 2 * 2
    with torch.no_grad():
        x = torch.from_numpy(images)
        by_label = {y: model.log_prob(x, labels=torch.full((len(x),), y)).double().numpy() for y in (0, 2)}
        alone = model.log_prob(x).numpy()
    marginal = scored(LogProb(subject, StatisticSettings(), 0), images, given_labels)
    np.testing.assert_allclose(
        np.exp(marginal.values), 0.75 * np.exp(by_label[0]) + 0.25 * np.exp(by_label[2]), rtol=1e-4
    )
    assert "over 2 labels y" in marginal.kind_text
    given = LogProb(subject, StatisticSettings(labels="given"), 0)
    expected = np.where(given_labels == 0, by_label[0], by_label[2])
    np.testing.assert_allclose(scored(given, images, given_labels).values, expected, rtol=1e-4)
    assert given.uses_labels and given.key == "labels=given"
    none = LogProb(subject, StatisticSettings(labels="none"), 0)
    np.testing.assert_allclose(scored(none, images).values, alone, rtol=1e-4)
    with pytest.raises(ValueError, match="have no labels to be given; choose the marginal"):
        scored(given, images)


@pytest.mark.parametrize("family", ["vae", "autoencoder", "rbm"])
def test_a_reconstruction_error_is_the_mean_square(family: str) -> None:
    model = make(family, {}, BINARY).eval()
    found = scored(Reconstruction(subject_of_model(model), StatisticSettings(), 0), all_of())
    x = torch.from_numpy(all_of())
    with torch.no_grad():
        expected = (model.decode(model.encode(x)) - x.float()).square().mean((1, 2, 3))
    np.testing.assert_allclose(found.values, expected.numpy(), rtol=1e-4, atol=1e-7)
    assert found.errors is None


def test_the_output_of_a_discriminator() -> None:
    model = make("gan", {}, ImageSpec(1, 8, 8, 4)).eval()
    images = np.random.default_rng(0).integers(0, 4, (70, 1, 8, 8)).astype(np.uint8)
    found = scored(DiscriminatorOutput(subject_of_model(model), StatisticSettings(), 0), images)
    with torch.no_grad():
        expected = model.discriminate(torch.from_numpy(images) / 3)
    np.testing.assert_allclose(found.values, expected.numpy(), rtol=1e-4)
    assert "D(x)" in found.kind_text and (found.values >= 0).all() and (found.values <= 1).all()


def test_statistics_are_found_and_refuse_in_sentences() -> None:
    names = list(statistics_of())
    assert names[0] == "log_prob" and {"reconstruction", "discriminator"} <= set(names)
    with pytest.raises(ValueError, match=r"no statistic 'luck'; there are log_prob"):
        statistic_named("luck")
    gan, flow = make("gan", {}, ImageSpec(1, 8, 8, 4)), make("realnvp", {}, ImageSpec(1, 4, 4, 4))
    assert "only generates" in LogProb.refusal(gan) and "Score a run of another family" in LogProb.refusal(gan)
    assert "choose a run of a family that does" in Reconstruction.refusal(gan)
    assert "invertible" in Reconstruction.refusal(flow)
    assert "has no discriminator; choose" in DiscriminatorOutput.refusal(flow)
    with pytest.raises(ValueError, match="only generates"):
        scored(log_prob(gan), np.zeros((3, 1, 8, 8), np.uint8))
    with pytest.raises(ValueError, match=r"200,000 samples an image; a score takes 1 to 100,000"):
        log_prob(make("vae", {}, TINY), num_samples=200_000)


def test_every_family_has_a_statistic() -> None:
    for name, family in FAMILIES.items():
        model = make(name, {}, ImageSpec(1, 8, 8, 2))
        offered = [kind.card.name for kind in statistics_of().values() if not kind.refusal(model)]
        assert offered or name == "gsn", (family, offered)


def test_three_images_and_one(tmp_path: object) -> None:
    for count in (1, 3):
        found = scored(log_prob(make("vae", {}, TINY)), all_of(TINY)[:count])
        assert len(found.values) == count and np.isfinite(found.values).all()

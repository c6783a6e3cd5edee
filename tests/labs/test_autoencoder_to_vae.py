"""The lab from autoencoder to VAE: codes and noise, fitted priors, samples against the data, log p(x) by quadrature."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from lab_bench import Bench, acted, blocks, configured, edited, finding, line, opened, result_of, sent, titled
from sklearn.mixture import GaussianMixture

from gmstudio.labs.autoencoder_to_vae import AutoencoderToVAE
from gmstudio.labs.code_priors import CodePrior, Validity, fitted_gaussian, fitted_mixture, standard_normal_prior
from gmstudio.labs.coded_models import CodedModel, log_evidence
from gmstudio.protocol.scenes import Curves, Pictures, Plane, Table

CODES = np.random.RandomState(0).standard_normal((400, 2)) @ np.array([[1.0, 0.4], [0.0, 0.3]]) + 0.5


class Quiet(Bench):
    """A bench on which no scene is due before the last one."""

    def due(self) -> bool:
        return False


@pytest.fixture(scope="module")
def digits() -> AutoencoderToVAE:
    return opened(AutoencoderToVAE, {}, Quiet(steps=150))


@pytest.fixture(scope="module")
def points() -> AutoencoderToVAE:
    return opened(AutoencoderToVAE, {"data": "points"}, Quiet(steps=150))


def rows_of(lab: AutoencoderToVAE) -> dict[str, Any]:
    table = titled(lab.scene(), Table, "Samples, and log-likelihoods")
    return dict(zip(table.rows, table.values.numpy(), strict=True))


def evidence(coded: CodedModel, x: torch.Tensor, priors: list[CodePrior], places: int) -> np.ndarray:
    *_, found = log_evidence(coded, x, priors, places)
    assert not isinstance(found, float)
    return found


def test_priors_have_mass_one_and_a_fitted_one_explains_its_codes_better() -> None:
    priors = [standard_normal_prior(), fitted_gaussian(CODES), result_of(fitted_mixture(Bench(), CODES, 3))]
    axis = np.linspace(-8, 8, 801)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    for prior in priors:
        assert np.exp(prior.log_density(grid)).sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=1e-6)
        drawn = prior.draw(20_000, torch.Generator().manual_seed(0))
        np.testing.assert_allclose(drawn.mean(0), (prior.weights[:, None] * prior.means).sum(0), atol=0.05)
    means = [prior.log_density(CODES).mean() for prior in priors]
    assert means[0] < means[1] <= means[2] + 0.01
    theirs = GaussianMixture(3, random_state=0, max_iter=500, reg_covar=1e-4).fit(CODES)
    np.testing.assert_allclose(priors[2].log_density(CODES), theirs.score_samples(CODES), atol=1e-6)


def test_an_error_beside_the_loop_is_raised_in_it() -> None:
    with pytest.raises(ValueError, match="n_samples"):
        result_of(fitted_mixture(Bench(), CODES[:2], 5))


def test_validity_is_that_of_held_out_images() -> None:
    train, held_out = torch.rand(500, 3), torch.rand(400, 3)
    validity = Validity.of(train, held_out)
    assert validity.measure(held_out)[0] == pytest.approx(0.95, abs=0.005)
    assert validity.measure(train) == (1.0, pytest.approx(0, abs=1e-3))
    assert validity.measure(held_out + 5)[0] == 0


@pytest.mark.parametrize("name", ["digits", "points"])
def test_log_p_by_quadrature_is_that_of_a_finer_grid_and_above_the_bound(name: str, request: Any) -> None:
    lab: AutoencoderToVAE = request.getfixturevalue(name)
    x = lab._valid()[:20]
    for coded in lab._models:
        found, finer = (evidence(coded, x, coded.priors, places) for places in (141, 281))
        np.testing.assert_allclose(found.mean(1), finer.mean(1), atol=1e-3)
    vae = lab._models[-1].model
    estimate = vae.log_prob_estimate(x, 3000, torch.Generator().manual_seed(0))  # type: ignore[union-attr, operator]
    np.testing.assert_allclose(finer[0], estimate.numpy(), atol=0.15)
    bound = vae.elbo(x, 200, torch.Generator().manual_seed(0))  # type: ignore[union-attr, operator]
    assert float(bound.mean()) < finer[0].mean()


def test_noise_costs_more_the_more_of_it_there_is(digits: AutoencoderToVAE) -> None:
    curves = titled(digits.scene(), Curves, "Reconstruction loss")
    for title in ("Autoencoder", "VAE, β = 1"):
        noise, loss = line(curves, title)
        assert noise[0] == 0 and loss[0] < loss[5] < loss[-1]
    plain, best = digits._models[0], digits._models[-1]
    assert plain.deviation == 0 < best.deviation < 1
    likelihood = plain.reconstruction(digits._valid(), plain.valid_means)
    assert line(curves, "Autoencoder")[1][0] == pytest.approx(likelihood, abs=1e-6)


def test_table_has_each_model_with_each_prior_and_the_finding_says_the_gain(digits: AutoencoderToVAE) -> None:
    rows = rows_of(digits)
    assert len(rows) == 9 and all(np.isfinite(row).all() and 0 <= row[0] <= 100 for row in rows.values())
    gain = rows["Autoencoder; mixture of 10"][3] - rows["Autoencoder; N(0, I)"][3]
    assert f"a mixture by {gain:+.2f}" in finding(digits.scene())


def test_the_mark_is_the_setting_and_the_prior_changes_the_samples(digits: AutoencoderToVAE) -> None:
    before = sent(digits.scene())
    edited(digits, "noise", [9.0])
    assert digits.config.noise == 1.5
    assert "noise 1.50" in titled(digits.scene(), Pictures, "Reconstructions").title
    configured(digits, noise=0.3)
    assert digits.inputs["noise"].tolist() == [0.3] and sent(digits.scene()) == before
    assert sent(configured(digits, prior="mixture")) != before
    titles = [block.title for block in blocks(digits.scene(), Pictures)]
    assert titles.count("Samples, z from mixture of 10") == 3
    configured(digits, prior="normal")


def test_points_are_drawn_in_their_plane(points: AutoencoderToVAE) -> None:
    planes = blocks(points.scene(), Plane)
    assert len(planes) == 7 and planes[3].x == points._data.axes[0]  # type: ignore[union-attr]


def test_another_number_of_components_needs_a_fit_and_other_data_a_training() -> None:
    lab = opened(AutoencoderToVAE, {"data": "points"}, Bench(steps=20))
    configured(lab, components=4, prior="mixture")
    assert len(rows_of(lab)) == 3
    acted(lab, "fit")
    assert "Autoencoder; mixture of 4" in rows_of(lab)
    assert "Train all three" in getattr(configured(lab, beta=0.2).rows[0][0], "text", "")
    acted(lab, "fit")
    assert "VAE, β = 0.2; N(0, I)" in rows_of(lab)


@pytest.fixture(scope="module")
def of_seeds() -> Iterator[list[bytes]]:
    config = {"data": "points"}
    yield [sent(opened(AutoencoderToVAE, config, Quiet(seed, steps=10)).scene()) for seed in (1, 1, 2)]


def test_trainings_of_one_seed_give_one_scene(of_seeds: list[bytes]) -> None:
    assert of_seeds[0] == of_seeds[1] != of_seeds[2]

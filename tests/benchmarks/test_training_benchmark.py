"""The training benchmark: models of public sizes, and the arithmetic of a step."""

from dataclasses import replace

import pytest
import torch

from benchmarks import arithmetic, models, training
from benchmarks.models import COMPARISONS, configured_model, table_model
from gmstudio.engine.runtime.building import meta_model
from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec

IMAGE = ImageSpec(channels=1, height=6, width=5, levels=2)


@pytest.mark.parametrize("name", COMPARISONS)
def test_every_comparison_is_a_model_that_can_be_built(name: str) -> None:
    comparison = COMPARISONS[name]
    family = FAMILIES[comparison.family]
    config = family.Config(**comparison.settings)
    image = ImageSpec(channels=1, height=comparison.size, width=comparison.size, levels=2)
    assert meta_model(family, config, image).num_parameters() > 100_000
    assert comparison.public


def test_the_gan_has_as_many_parameters_as_the_script() -> None:
    comparison = COMPARISONS["gan_mlp"]
    model = configured_model("gan", ImageSpec(1, 28, 28, 2), comparison.settings)
    assert model.num_parameters() == pytest.approx(2.04e6, rel=0.03)


def test_a_comparison_has_both_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(COMPARISONS["rbm_cd1"], settings={"num_hidden": 4}, size=5)
    monkeypatch.setattr(models, "COMPARISONS", {"small": small})
    monkeypatch.setattr(training, "WARM_UP_S", 0.02)
    found = training.compare("small", batch=8, levels=2, seconds=0.1)
    assert found["public"] == small.public
    assert found["model"] == "small" and found["config"] == {"num_hidden": 4} and found["image"].startswith("5×5")
    assert found["ratio"] == pytest.approx(found["images_per_s"] / found["bare_images_per_s"])
    assert found["times_floor"] > 1 and found["cpu_ratio"] > 0


def test_a_model_of_two_phases_is_compared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine leaves all but the last phase's parameters without gradients, which the count of FLOP needs."""
    monkeypatch.setattr(training, "WARM_UP_S", 0.02)
    config = {"num_hidden": 6, "num_layers": 1, "num_latent": 3}
    found = training.measure("gan", 5, batch=4, levels=2, seconds=0.1, config=config)
    assert found["phases"] == ["discriminator", "generator"] and found["times_floor"] > 0


def test_an_unknown_comparison_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no such model.*vae_mlp"):
        training.compare("vae_xxl", batch=8, levels=2, seconds=0.1)


def test_a_machines_step_has_five_products_and_changes_nothing() -> None:
    model = table_model("rbm", IMAGE, ["num_hidden=7", "negative_phase=cd"]).eval()
    before = [parameter.clone() for parameter in model.parameters()]
    assert arithmetic.step_flops(model, 8) == 5 * 2 * 8 * IMAGE.num_dims * 7
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(*pair) for pair in zip(before, model.parameters(), strict=True))


def test_both_phases_of_a_gan_are_counted() -> None:
    settings = ["num_hidden=6", "num_layers=1", "num_latent=3"]
    once = arithmetic.step_flops(table_model("gan", IMAGE, settings), 4)
    twice = arithmetic.step_flops(table_model("gan", IMAGE, [*settings, "discriminator_steps=2"]), 4)
    discriminator = twice - once
    assert 0 < discriminator < once

"""Passes through a network are counted, not typed: the counts follow the settings of the models."""

from typing import Any

import pytest
import torch

from gmstudio.engine.atlas.passes import count_passes, measure_sampling
from gmstudio.engine.runtime.models import Loaded
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.atlas import MeasureSampling, SamplingMeasured
from gmstudio.protocol.images import ImageSpec

SPEC = ImageSpec(1, 8, 8, 2)


def model_of(family: str, **config: Any) -> Family:
    kind = FAMILIES[family]
    return kind(kind.Config(**config), SPEC).eval()


def passes_of(model: Family, steps: int = 0) -> int:
    """Passes of a sample, with a number of sampling steps where it is not 0."""
    kind = model.SamplerConfig
    sampler = kind(steps=steps) if kind is not None and steps else None
    (found,) = [count for count in count_passes(model, sampler) if count is not None]
    return found


@pytest.mark.parametrize("steps", [3, 10])
def test_a_gibbs_step_uses_the_weights_twice(steps: int) -> None:
    """Once for the hidden units given the pixels, once for the pixels given the hidden units."""
    assert passes_of(model_of("rbm", num_hidden=5), steps) == 2 * steps


@pytest.mark.parametrize("steps", [2, 7])
def test_a_chain_passes_once_for_each_transition(steps: int) -> None:
    assert passes_of(model_of("gsn", num_hidden=6), steps) == steps


def test_diffusion_passes_once_for_each_denoising_step() -> None:
    model = model_of("ddpm", num_timesteps=60, num_channels=8, num_scales=1, attention=False)
    assert passes_of(model) == model.SamplerConfig().steps == 50  # type: ignore[misc,union-attr]


@pytest.mark.parametrize("family", ["vae", "gan", "autoencoder", "realnvp"])
def test_others_pass_once(family: str) -> None:
    assert passes_of(model_of(family)) == 1


def measured(model: Family) -> SamplingMeasured:
    loaded = Loaded(model, 0, None)  # type: ignore[arg-type]
    events = [e for e in measure_sampling(loaded, MeasureSampling(request=4, run="/r")) if e is not None]
    (event,) = events
    assert isinstance(event, SamplingMeasured) and (event.request, event.run) == (4, "/r")
    return event


def test_an_autoregressive_model_passes_once_for_each_sub_pixel() -> None:
    model = model_of("nade", num_hidden=4)
    event = measured(model)
    assert (event.passes, event.by_pixel, event.latent_dims) == (64, True, 0)
    assert event.num_parameters == sum(p.numel() for p in model.parameters())


def test_a_latent_model_tells_its_dimensions() -> None:
    event = measured(model_of("vae", num_latent=3))
    assert (event.passes, event.by_pixel, event.latent_dims) == (1, False, 3)


def test_the_model_is_left_as_it_was() -> None:
    model = model_of("vae").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    passes_of(model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())

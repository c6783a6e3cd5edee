"""Random codes: of the prior where it is normal, of the model's own samples or of the data where it is not."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from gmstudio import data
from gmstudio.data.dataset import Dataset
from gmstudio.engine.latents.handlers import LatentsFeature
from gmstudio.engine.latents.sampled_codes import needs_data, sample_codes
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.array import Array
from gmstudio.protocol.latents import CodesSampled, InkMeasured, MeasureInk, SampleCodes


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.load("digits", {"levels": 2})


def make(name: str, digits: Dataset, **config: Any) -> Family:
    family = FAMILIES[name]
    torch.manual_seed(3)
    return family(family.Config(**config), digits.image)


def sampled(model: Family, digits: Dataset, **fields: Any) -> CodesSampled:
    *_, event = sample_codes(model, 7, digits, SampleCodes(request=5, run="r", **fields))
    assert isinstance(event, CodesSampled) and (event.request, event.step) == (5, 7)
    return event


def test_a_normal_prior_is_sampled(digits: Dataset) -> None:
    model = make("vae", digits, num_latent=6)
    event = sampled(model, digits, count=200, seed=1)
    codes = event.codes.numpy()
    assert codes.shape == (200, 6) and event.split is None
    assert abs(codes.mean()) < 0.1 and abs(codes.std() - 1) < 0.1
    np.testing.assert_array_equal(sampled(model, digits, count=200, seed=1).codes.numpy(), codes)
    assert not np.array_equal(sampled(model, digits, count=200, seed=2).codes.numpy(), codes)


def test_hidden_units_are_those_of_samples_of_the_model(digits: Dataset) -> None:
    """A machine whose samples are nearly all black: random units would be as far from them as from anything."""
    model = make("rbm", digits, num_hidden=12)
    with torch.no_grad():
        model.machine.weight_VH.normal_(0, 2.0)
    event = sampled(model, digits, count=8, seed=1)
    codes = event.codes.numpy()
    assert codes.shape == (8, 12) and event.split is None and event.images is None
    images = model.sample(400, torch.Generator().manual_seed(9))
    expected = model.encode(images).mean(0).detach().numpy()
    assert np.abs(codes.mean(0) - expected).mean() < 0.25
    assert np.abs(codes - np.round(codes)).max() > 0  # probabilities, not draws


def test_without_a_prior_they_are_codes_of_named_images(digits: Dataset) -> None:
    model = make("autoencoder", digits, num_latent=4)
    event = sampled(model, digits, count=3, seed=2)
    assert event.split == "valid" and len(event.indices) == 3 and event.images is not None
    for place, index in enumerate(event.indices):
        image = digits.valid.images[index]
        np.testing.assert_array_equal(event.images.numpy()[place], image)
        code = model.encode(torch.from_numpy(image)[None]).detach().numpy()[0]
        np.testing.assert_allclose(event.codes.numpy()[place], code, atol=1e-5)
        assert digits.valid.labels is not None and event.labels[place] == str(digits.valid.labels[index])


def test_one_step_of_the_chain_stays_near(digits: Dataset) -> None:
    model = make("rbm", digits, num_hidden=12)
    code = model.encode(torch.from_numpy(digits.valid.images[:1])).detach().numpy()
    near = sampled(model, digits, seed=3, near=Array.of(code)).codes.numpy()
    assert near.shape == (1, 12) and np.all((near >= 0) & (near <= 1)) and not np.array_equal(near, code)


def test_what_cannot_be_sampled_is_refused(digits: Dataset) -> None:
    vae = make("vae", digits, num_latent=4)
    with pytest.raises(ValueError, match="choose 1 to 256"):
        sample_codes(vae, 0, digits, SampleCodes(run="r", count=0))
    with pytest.raises(ValueError, match="no binary units"):
        sample_codes(vae, 0, digits, SampleCodes(run="r", near=Array.of(np.zeros((1, 4), np.float32))))


@pytest.mark.parametrize("family", ["vae", "gan", "rbm"])
def test_data_that_cannot_be_read_are_not_needed(digits: Dataset, family: str) -> None:
    model, command = make(family, digits), SampleCodes(run="r", count=2)
    assert not needs_data(model, command)
    *_, event = sample_codes(model, 0, None, command)
    assert isinstance(event, CodesSampled) and event.codes.shape[0] == 2
    assert needs_data(make("autoencoder", digits), command)


@pytest.mark.parametrize("family", ["vae", "gan", "rbm", "autoencoder"])
def test_the_engine_answers_for_every_family(digits: Dataset, family: str) -> None:
    """By its handlers: sampled codes, and the ink of the data."""
    sent: list[Any] = []
    loaded = SimpleNamespace(model=make(family, digits), step=7, record=None)
    context = SimpleNamespace(
        model=lambda *_: loaded,
        data_of=lambda _: digits,
        when_data_of=lambda _record, _request, answer: answer(),
        send=sent.append,
    )
    handlers = LatentsFeature(context).handlers()  # type: ignore[arg-type]
    job = handlers[SampleCodes](SampleCodes(request=1, run="r", count=2))
    assert job is not None
    *_, event = job
    assert isinstance(event, CodesSampled) and event.codes.shape == (2, loaded.model.latent.num_dims)
    assert handlers[MeasureInk](MeasureInk(request=2, run="r")) is None
    (measured,) = sent
    assert isinstance(measured, InkMeasured) and measured.request == 2
    assert measured.ink.plain and measured.ink.ground == (0.0,) and 1.0 <= measured.ink.stroke < 3.0

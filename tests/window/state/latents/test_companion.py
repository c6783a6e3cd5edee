"""Companions of the decoded image: random samples that follow the training, another run on the same image or code."""

import numpy as np
import pytest
import torch
from latent_engine import AUTO, GAN, RBM, VAE, WIDE, LatentEngine
from latent_fixture import engine, state

from gmstudio.protocol.latents import Decode, EncodeImage, SampleCodes
from gmstudio.window.state.latents.random_samples import COUNT
from gmstudio.window.state.latents.state import LatentsState

__all__ = ["engine", "state"]

OTHER = "/runs/other"


@pytest.fixture
def other(engine: LatentEngine) -> str:
    """A second VAE of as many dimensions as the first."""
    torch.manual_seed(99)
    engine.models[OTHER] = engine._model("vae", 5)
    return OTHER


def compare(state: LatentsState, engine: LatentEngine, run: str) -> None:
    state.companion.choose("run")
    state.companion.comparison.choose_run(run)
    engine.serve()


def test_nothing_is_requested_for_a_companion_that_is_not_shown(state: LatentsState, engine: LatentEngine) -> None:
    before = len(engine.sent)
    state.companion.comparison.choose_run(WIDE)
    state.companion.refresh()
    assert len(engine.sent) == before and state.companion.samples.images is None


def test_another_run_decodes_the_same_code(state: LatentsState, engine: LatentEngine, other: str) -> None:
    compare(state, engine, other)
    comparison = state.companion.comparison
    for value in (0.0, 1.5):
        state.code.set_value(2, value)
        engine.serve()
        np.testing.assert_array_equal(comparison.image, engine.means(other, state.code.values))
        assert comparison.description == "Same code"
    assert state.shown is not None and not np.array_equal(comparison.image, state.shown.image)


def test_another_run_reconstructs_the_same_image_with_its_own_encoder(
    state: LatentsState, engine: LatentEngine
) -> None:
    """Also one with another number of dimensions."""
    compare(state, engine, WIDE)
    comparison = state.companion.comparison
    assert comparison.image is None and "40 dimensions, these 5: encode an image" in comparison.problem
    state.gallery.encode()
    engine.serve()
    levels = engine.dataset.valid.images[0]
    code = engine.models[WIDE].encode(torch.from_numpy(levels)[None]).detach().numpy()[0]
    assert comparison.image is not None
    np.testing.assert_allclose(comparison.image, engine.means(WIDE, code), atol=1)
    error = np.sqrt(np.mean(np.square((comparison.image.astype(float) - levels * 85.0) / 255)))
    assert comparison.description == f"Same image, RMS error {error:.3f}"
    np.testing.assert_array_equal(engine.last(EncodeImage).image.numpy(), levels)
    state.code.set_value(0, 2.0)  # no longer the image's code
    engine.serve()
    assert comparison.image is None and comparison.problem


def test_a_run_without_an_encoder_is_compared_by_its_code(state: LatentsState, engine: LatentEngine) -> None:
    compare(state, engine, GAN)
    state.gallery.encode()
    engine.serve()
    assert state.companion.comparison.description == "Same code"


@pytest.mark.parametrize("run", [VAE, RBM, AUTO])
def test_samples_follow_the_weights(
    state: LatentsState, engine: LatentEngine, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.choose_run(run)
    engine.serve()
    samples = state.companion.samples
    monkeypatch.setattr(samples._budget, "_share", 1.0)  # no pause
    state.companion.choose("samples")
    engine.serve()
    assert samples.images is not None and samples.codes is not None and len(samples.images) == COUNT
    before, codes = samples.images, samples.codes
    with torch.no_grad():
        for parameter in engine.models[run].parameters():
            parameter.add_(0.3)
    samples._budget.reset()
    state.companion.refresh()
    engine.serve()
    assert not np.array_equal(samples.images, before)
    if run == VAE:
        np.testing.assert_array_equal(samples.codes, codes)
        assert isinstance(engine.sent[-1], Decode)
    samples.go_to(3)
    np.testing.assert_allclose(state.code.values, samples.codes[3], atol=1e-6)


def test_other_samples_have_the_next_seed(state: LatentsState, engine: LatentEngine) -> None:
    state.companion.choose("samples")
    engine.serve()
    first = state.companion.samples.images
    state.companion.samples.draw()
    engine.serve()
    assert state.companion.samples.seed == 1 == engine.last(SampleCodes).seed
    assert not np.array_equal(state.companion.samples.images, first)


def test_an_original_that_was_asked_for_takes_the_place_of_samples(state: LatentsState, engine: LatentEngine) -> None:
    state.companion.choose("samples")
    state.gallery.encode()
    engine.serve()
    assert state.companion.kind == "original"
    sent = len(engine.sent)
    state.companion.samples.refresh()
    assert len(engine.sent) == sent

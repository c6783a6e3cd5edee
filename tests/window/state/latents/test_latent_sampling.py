"""Randomize, Perturb and sampled keyframes of families without a normal prior."""

import numpy as np
import pytest
from latent_engine import AUTO, RBM, VAE, LatentEngine
from latent_fixture import engine, panel, state

from gmstudio import data
from gmstudio.protocol.latents import SampleCodes
from gmstudio.window.gui.panels.latents.panel import LatentsPanel
from gmstudio.window.state.latents.state import LatentsState

__all__ = ["engine", "panel", "state"]


def choose(state: LatentsState, engine: LatentEngine, run: str) -> None:
    state.choose_run(run)
    engine.serve()


def test_randomized_units_of_an_rbm_are_probabilities_of_a_sampled_image(
    state: LatentsState, engine: LatentEngine
) -> None:
    choose(state, engine, RBM)
    state.sampling.randomize()
    engine.serve()
    assert state.code.values.any() and not np.isin(state.code.values, (0, 1)).all()
    before = state.code.values
    state.sampling.perturb()
    (command,) = engine.unanswered(SampleCodes)
    np.testing.assert_array_equal(command.near.numpy()[0], before)
    engine.serve()
    assert not np.array_equal(state.code.values, before)


def test_a_randomized_code_of_an_autoencoder_is_that_of_an_image_that_is_shown(
    state: LatentsState, engine: LatentEngine
) -> None:
    choose(state, engine, AUTO)
    state.sampling.randomize()
    engine.serve()
    encoding = state.gallery.encoding
    assert encoding is not None and encoding.split == "valid" and "validation image" in encoding.title
    np.testing.assert_array_equal(state.code.values, encoding.code)
    np.testing.assert_array_equal(encoding.image, state_image(engine, encoding.index))


def state_image(engine: LatentEngine, index: int) -> np.ndarray:
    levels = engine.dataset.image.levels
    return (engine.dataset.valid.images[index].astype(float) * 255 / (levels - 1)).round().astype(np.uint8)


@pytest.mark.parametrize("run", [RBM, AUTO])
def test_keyframes_are_sampled_too_also_the_first(state: LatentsState, engine: LatentEngine, run: str) -> None:
    choose(state, engine, run)
    first = state.interpolation.keyframes
    assert len(first) == 2 and not np.isin(np.stack(first), (0, 1)).all()
    state.sampling.sample_keyframes(8)
    engine.serve()
    pair = state.interpolation.keyframes
    assert len(pair) == 2 and state.interpolation.seed == 8
    assert not np.array_equal(pair, first) and np.array_equal(state.code.values, pair[0])
    choose(state, engine, VAE)
    choose(state, engine, run)
    assert np.array_equal(state.interpolation.keyframes, pair)


def test_tooltips_say_what_is_done(panel: LatentsPanel, engine: LatentEngine) -> None:
    words = {VAE: "prior, a standard normal", RBM: "Gibbs sampling", AUTO: "no prior"}
    for run, expected in words.items():
        panel.run.choose(run)
        engine.serve()
        tips = [action.toolTip() for action in (panel.sliders.randomize, panel.views["interpolation"].sample)]
        assert expected in tips[0]
        for other in words.values():
            assert (other in tips[0]) == (other == expected)
        assert ("prior" in tips[1]) == (run != RBM)


def test_a_failure_is_reported(state: LatentsState, engine: LatentEngine) -> None:
    choose(state, engine, AUTO)
    engine.dataset = data.load("digits", {"levels": 16})  # another data set than the model was trained on
    state.sampling.randomize()
    engine.serve()
    assert "16 levels" in state.problem

"""Guesses of all sub-pixels: they end at the image that drawing one after another gives."""

from typing import Any

import numpy as np
import pytest
import torch
from pixel_navigators import EVERYTHING, advance, open_one, small_model
from tiny_autoregressive import TinyAutoregressive

from gmstudio.engine.pixels import guessing
from gmstudio.engine.pixels.explorer import PixelExplorer
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import ClosePixels, ForgetPath, PlacePixel
from gmstudio.protocol.pixels_guessing import GuessPixels, PixelsGuessed

GREY = ImageSpec(channels=1, height=4, width=4, levels=4)
RGB = ImageSpec(channels=3, height=2, width=3, levels=256)


def guess(explorer: PixelExplorer, session: int, step: int, **fields: Any) -> list[PixelsGuessed]:
    command = GuessPixels(request=3, session=session, step=step, **fields)
    events = [event for event in explorer.guess(command) if event is not None]
    assert all(isinstance(event, PixelsGuessed) and event.request == 3 for event in events)
    assert [event.ends_request() for event in events] == [False] * (len(events) - 1) + [True]
    return events  # type: ignore[return-value]


@pytest.fixture(scope="module")
def markov() -> Any:
    """A model that needs many rounds, as each pixel depends on the one before it alone."""
    return small_model("markov", GREY, spread=0.8)


CASES: dict[str, tuple[str, ImageSpec, dict[str, Any], float]] = {
    "any order": ("nade", GREY, {"order": "random", "order_seed": 3}, 1.0),
    "colours": ("nade", RGB, {}, 0.7),
    "a class": ("gated_pixelcnn", GREY, {"label": 1}, 1.0),
    "the most likely": ("pixelcnn", GREY, {}, 0.0),
}


@pytest.mark.parametrize("case", CASES)
def test_the_last_round_is_what_drawing_to_the_end_gives(case: str) -> None:
    name, image, opening, temperature = CASES[case]
    model = small_model(name, image, spread=1.0, **({"num_classes": 2} if "label" in opening else {}))
    explorer = PixelExplorer()
    opened, _ = open_one(explorer, model, seed=5, **opening)
    advance(explorer, opened.session, 3, temperature)
    events = guess(explorer, opened.session, 3, temperature=temperature)
    end = advance(explorer, opened.session, EVERYTHING, temperature)
    np.testing.assert_array_equal(events[-1].images.numpy()[-1], end.image.numpy())
    assert events[-1].start == 3 and events[-1].settled.numpy()[-1] == image.num_dims


def test_rounds_are_numbered_and_settle_in_order(markov: Any) -> None:
    explorer = PixelExplorer()
    opened, _ = open_one(explorer, markov, seed=1)
    (event,) = guess(explorer, opened.session, 0)
    rounds, settled, changed = (each.numpy() for each in (event.rounds, event.settled, event.changed))
    assert rounds.tolist() == list(range(1, len(rounds) + 1)) and len(rounds) > 2
    assert (np.diff(settled) > 0).all() and settled[-1] == GREY.num_dims
    assert changed[0] == GREY.num_dims, "the first round guesses all"
    differences = [(a != b).sum() for a, b in zip(event.images.numpy(), event.images.numpy()[1:], strict=False)]
    assert changed[1:].tolist() == differences


def test_values_before_the_step_are_given_and_another_seed_draws_another_image(markov: Any) -> None:
    explorer = PixelExplorer()
    opened, _ = open_one(explorer, markov, seed=1)
    explorer.place(PlacePixel(session=opened.session, value=3))
    (own,) = guess(explorer, opened.session, 1)
    (other,) = guess(explorer, opened.session, 1, seed=9)
    assert own.images.numpy()[-1][0, 0, 0] == other.images.numpy()[-1][0, 0, 0] == 3
    explorer.forget(ForgetPath(session=opened.session, seed=9))
    end = advance(explorer, opened.session, EVERYTHING)
    np.testing.assert_array_equal(other.images.numpy()[-1], end.image.numpy())
    assert (own.images.numpy()[-1] != end.image.numpy()).any()


def test_of_very_many_rounds_some_are_left_out(markov: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    explorer = PixelExplorer()
    opened, _ = open_one(explorer, markov, seed=1)
    (whole,) = guess(explorer, opened.session, 0)
    monkeypatch.setattr(guessing, "MAX_FILM_BYTES", 2 * GREY.num_dims)
    (thinned,) = guess(explorer, opened.session, 0)
    assert whole.rounds.numpy().tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert thinned.rounds.numpy().tolist() == [1, 2, 7]
    np.testing.assert_array_equal(thinned.images.numpy()[-1], whole.images.numpy()[-1])


def test_a_guess_goes_on_where_its_generation_is_closed(markov: Any) -> None:
    explorer = PixelExplorer()
    opened, _ = open_one(explorer, markov, seed=1)
    (whole,) = guess(explorer, opened.session, 0)
    job = explorer.guess(GuessPixels(session=opened.session, step=0))
    next(job)
    explorer.close(ClosePixels(session=opened.session))  # as where newer weights are followed
    *_, last = [event for event in job if event is not None]
    assert isinstance(last, PixelsGuessed) and last.done
    np.testing.assert_array_equal(last.images.numpy()[-1], whole.images.numpy()[-1])


def test_what_cannot_be_guessed_is_refused_with_the_remedy(markov: Any) -> None:
    explorer = PixelExplorer()
    opened, _ = open_one(explorer, markov, seed=1)
    session = opened.session
    with pytest.raises(ValueError, match="Step 1 is not on the path; guess from 0 … 0"):
        guess(explorer, session, 1)
    with pytest.raises(ValueError, match="The temperature is -1"):
        guess(explorer, session, 0, temperature=-1.0)
    with pytest.raises(ValueError, match="The seed is -2"):
        guess(explorer, session, 0, seed=-2)
    advance(explorer, session, EVERYTHING)
    with pytest.raises(ValueError, match="go back to the pixel from which to guess"):
        guess(explorer, session, GREY.num_dims)
    tiny, _ = open_one(explorer, TinyAutoregressive(GREY))
    with pytest.raises(ValueError, match="choose a run of another autoregressive family"):
        guess(explorer, tiny.session, 0)
    assert torch.is_grad_enabled()

"""A generation stops at breakpoints, and continues with the next command; placed sub-pixels can be changed."""

from typing import Any

import numpy as np
import pytest
import torch
from pixel_navigators import EVERYTHING, advance, arrive, one, open_one, rewind, small_model
from tiny_autoregressive import TinyAutoregressive

from gmstudio.engine.pixels import generation as generation_module
from gmstudio.engine.pixels.explorer import PixelExplorer
from gmstudio.protocol.array import Array
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import AdvancePixels, ContinuePixels, EditPixel, PixelsContinued, PixelsMoved

GREY = ImageSpec(channels=1, height=4, width=3, levels=4)


@pytest.fixture
def model() -> TinyAutoregressive:
    return TinyAutoregressive(GREY)


def run(explorer: PixelExplorer, session: int, **fields: Any) -> PixelsMoved:
    """Go on to the end or to a breakpoint."""
    while True:
        moved = one(explorer.advance(AdvancePixels(session=session, count=EVERYTHING, budget_ms=100.0, **fields)))
        if moved.stopped or moved.step == GREY.num_dims:
            return moved


def entropy(conditional: Array) -> float:
    probs = conditional.numpy().astype(np.float64)
    return float(-(probs * np.log(probs)).sum())


def entropies(moved: PixelsMoved) -> np.ndarray[Any, np.dtype[np.float32]]:
    assert moved.entropies is not None
    return moved.entropies.numpy()


def test_entropies_are_those_of_the_conditionals(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    opened, moved = open_one(explorer, model)
    expected = []
    for _ in range(GREY.num_dims):
        expected.append(entropy(moved.conditional))
        moved = advance(explorer, opened.session)
    np.testing.assert_allclose(entropies(moved), expected, rtol=1e-5)
    np.testing.assert_array_equal(entropies(rewind(explorer, opened.session, 5)), entropies(moved)[:5])


@pytest.mark.parametrize("at_once", [1, 3, EVERYTHING])
@pytest.mark.parametrize("moved_before", [False, True])
def test_it_stops_before_each_uncertain_subpixel(model: TinyAutoregressive, at_once: int, moved_before: bool) -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, model)[0].session
    found = entropies(advance(explorer, open_one(explorer, model)[0].session, EVERYTHING))
    threshold = float(np.median(found))
    if moved_before:
        advance(explorer, session, EVERYTHING)
        rewind(explorer, session, 0)
    stops, moved = [], None
    while moved is None or moved.step < GREY.num_dims:
        command = AdvancePixels(session=session, count=at_once, budget_ms=100.0, stop_entropy=threshold)
        moved = one(explorer.advance(command))
        if moved.stopped:
            assert moved.stopped == "entropy" and entropy(moved.conditional) > threshold
            stops.append(moved.step)
    # The first sub-pixel of the first command passes, as that of any command does.
    assert stops == [step for step in range(1, GREY.num_dims) if found[step] > threshold]
    assert stops


@pytest.mark.parametrize("moved_before", [False, True])
def test_it_stops_after_each_unlikely_value(model: TinyAutoregressive, moved_before: bool) -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, model)[0].session
    probabilities = np.exp(-advance(explorer, open_one(explorer, model)[0].session, EVERYTHING).nats.numpy())
    threshold = float(np.median(probabilities))
    if moved_before:
        advance(explorer, session, EVERYTHING)
        rewind(explorer, session, 0)
    stops = []
    while True:
        moved = run(explorer, session, stop_probability=threshold)
        if not moved.stopped:
            break
        assert moved.stopped == "probability" and np.exp(-moved.nats.numpy()[-1]) < threshold
        stops.append(moved.step)
        if moved.step == GREY.num_dims:
            break
    assert stops == [step + 1 for step in range(GREY.num_dims) if probabilities[step] < threshold]


def test_breakpoints_do_not_change_what_is_drawn(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    free, halting = (open_one(explorer, model, seed=3)[0].session for _ in range(2))
    moved = run(explorer, halting, stop_entropy=0.5, stop_probability=0.5)
    while moved.step < GREY.num_dims:
        moved = run(explorer, halting, stop_entropy=0.5, stop_probability=0.5)
    assert moved.image == advance(explorer, free, EVERYTHING).image


def test_what_ended_a_move_is_forgotten_by_the_next_command(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, model)[0].session
    assert run(explorer, session, stop_probability=1.0).stopped == "probability"
    assert rewind(explorer, session, 0).stopped == ""
    assert advance(explorer, session).stopped == ""


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"stop_entropy": -0.1}, "entropy of -0.1 nats"),
        ({"stop_entropy": float("nan")}, "entropy of nan"),
        ({"stop_probability": 1.5}, "probability of 1.5; it must be 0 to 1"),
        ({"stop_probability": float("nan")}, "probability of nan"),
    ],
)
def test_absurd_breakpoints_are_refused(model: TinyAutoregressive, fields: dict[str, Any], sentence: str) -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, model)[0].session
    with pytest.raises(ValueError, match=sentence):
        explorer.advance(AdvancePixels(session=session, **fields))


@pytest.mark.parametrize("name", ["nade", "pixelcnn", "gated_pixelcnn"])
def test_an_edit_keeps_the_rest_and_scores_it_anew(name: str) -> None:
    model, explorer = small_model(name, GREY).eval(), PixelExplorer()
    session = open_one(explorer, model)[0].session
    before = advance(explorer, session, EVERYTHING)
    rewind(explorer, session, 9)
    other = (int(before.image.numpy()[0, 1, 0]) + 1) % GREY.levels
    edited = one(explorer.edit(EditPixel(session=session, step=3, value=other)))
    assert edited.path == GREY.num_dims and 3 < edited.step <= 9
    moved = arrive(explorer, session, GREY.num_dims)
    expected = before.image.numpy().copy()
    expected[0, 1, 0] = other
    np.testing.assert_array_equal(moved.image.numpy(), expected)
    np.testing.assert_array_equal(moved.nats.numpy()[:3], before.nats.numpy()[:3])
    score = -model.log_prob(torch.from_numpy(expected)[None]).item()
    assert moved.nats.numpy().sum() == pytest.approx(score, rel=1e-5)


def test_an_edit_draws_the_rest_again_from_the_same_uniforms(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    first, second = (open_one(explorer, model, seed=6)[0].session for _ in range(2))
    before = advance(explorer, first, EVERYTHING)
    other = (int(before.image.numpy()[0, 1, 0]) + 1) % GREY.levels
    edited = one(explorer.edit(EditPixel(session=first, step=3, value=other, keep=False)))
    assert 3 < edited.step == edited.path
    again = advance(explorer, first, EVERYTHING)
    advance(explorer, second, 3)
    arrive(explorer, second, 3)
    command = EditPixel(session=second, step=2, value=int(before.image.numpy()[0, 0, 2]), keep=False)
    explorer.edit(command)  # to the value that is there: the generation does not move
    assert arrive(explorer, second, 3).image == rewind(explorer, first, 3).image
    assert again.image.numpy()[0, 1, 0] == other and again.image != before.image
    restored = one(explorer.edit(EditPixel(session=second, step=1, value=int(before.image.numpy()[0, 0, 1]))))
    assert restored.step == 3
    assert advance(explorer, second, EVERYTHING).image == before.image


def test_what_is_drawn_again_uses_the_temperature(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, model)[0].session
    before = advance(explorer, session, EVERYTHING)
    value = int(before.image.numpy()[0, 0, 0])
    moved = one(explorer.edit(EditPixel(session=session, step=0, value=value, keep=False, temperature=0.0)))
    placed = moved.step
    for step in range(1, placed):
        back = rewind(explorer, session, step)
        assert moved.image.numpy()[tuple(model.raster()[step])] == back.conditional.numpy().argmax()


@pytest.mark.parametrize("keep", [True, False])
def test_a_long_way_back_is_gone_in_several_commands(
    model: TinyAutoregressive, monkeypatch: pytest.MonkeyPatch, keep: bool
) -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, model)[0].session
    before = advance(explorer, session, EVERYTHING)
    ticks = iter(range(100_000))
    monkeypatch.setattr(generation_module.time, "perf_counter", lambda: next(ticks) * 0.010)
    moved = one(explorer.edit(EditPixel(session=session, step=1, value=0, keep=keep)))
    assert 1 < moved.step < GREY.num_dims
    assert moved.path == (GREY.num_dims if keep else moved.step)
    if keep:
        finished = arrive(explorer, session, GREY.num_dims)
        np.testing.assert_array_equal(finished.image.numpy()[0, 1:], before.image.numpy()[0, 1:])
    else:
        finished = advance(explorer, session, EVERYTHING)
    x = torch.from_numpy(finished.image.numpy().copy())[None]
    assert finished.nats.numpy().sum() == pytest.approx(-model.log_prob(x).item(), rel=1e-5)


def test_edits_that_make_no_sense_are_refused_and_change_nothing(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, model)[0].session
    with pytest.raises(ValueError, match="Sub-pixel 0 is not placed"):
        explorer.edit(EditPixel(session=session, step=0, value=0))
    before = advance(explorer, session, 4)
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"step": 4, "value": 0}, "change one of the 4 that are, 0 … 3"),
        ({"step": -1, "value": 0}, "Sub-pixel -1"),
        ({"step": 1, "value": 4}, "Level 4 does not exist"),
        ({"step": 1, "value": 0, "temperature": -1.0}, "temperature is -1"),
    )
    for fields, sentence in cases:
        with pytest.raises(ValueError, match=sentence):
            explorer.edit(EditPixel(session=session, **fields))
    assert rewind(explorer, session, 4).image == before.image


def test_the_first_continuation_can_take_the_most_likely_values(model: TinyAutoregressive) -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, model)[0].session
    advance(explorer, session, 4)
    plain, greedy = (
        list(explorer.continuations(ContinuePixels(session=session, count=3, seed=1, greedy_first=wanted)))[-1]
        for wanted in (False, True)
    )
    assert isinstance(plain, PixelsContinued) and isinstance(greedy, PixelsContinued)
    np.testing.assert_array_equal(greedy.images.numpy()[1:], plain.images.numpy()[1:])
    finished = advance(explorer, session, EVERYTHING, temperature=0.0)
    np.testing.assert_array_equal(greedy.images.numpy()[0], finished.image.numpy())
    assert greedy.nats.numpy()[0] == pytest.approx(finished.nats.numpy().sum(), rel=1e-5)

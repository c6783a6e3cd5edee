"""Guesses of all sub-pixels in the window: the film of their rounds, and keeping its image."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pixel_engine import RUN, SPEC, PixelEngine
from pixel_navigators import small_model
from pytestqt.qtbot import QtBot

from gmstudio.media import read_provenance
from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import Cancel
from gmstudio.protocol.pixels_guessing import GuessPixels, PixelsGuessed
from gmstudio.window.state.pixels.film_export import FilmExport
from gmstudio.window.state.pixels.guessed_film import GuessedFilm
from gmstudio.window.state.pixels.guessing import PixelGuessing
from gmstudio.window.state.pixels.picture_settings import settings_of
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.runs.library import RunLibrary

END = SPEC.num_dims


@pytest.fixture(scope="module")
def model() -> Any:
    """A model that needs several rounds."""
    return small_model("markov", SPEC, spread=0.8)


@pytest.fixture
def engine(model: Any) -> PixelEngine:
    return PixelEngine(SPEC, model)


@pytest.fixture
def session(qtbot: QtBot, engine: PixelEngine) -> Iterator[PixelsState]:
    session = PixelsState(engine, RunLibrary(engine))
    engine.hello()
    engine.list_runs()
    session.choose_run(RUN)
    session.set_active(True)
    engine.serve()
    session.guessing.set_active(True)
    yield session
    session.guessing.set_active(False)


@pytest.fixture
def guessing(session: PixelsState, engine: PixelEngine) -> PixelGuessing:
    """With a film from the first three sub-pixels on."""
    session.navigator.draw_to(3)
    engine.serve()
    session.guessing.start()
    engine.serve()
    return session.guessing


def film_of(guessing: PixelGuessing) -> GuessedFilm:
    assert guessing.film is not None
    return guessing.film


def where(session: PixelsState) -> PixelSnapshot:
    assert session.state is not None
    return session.state


def rounds(request: int, *numbers: int, done: bool = False) -> PixelsGuessed:
    """Rounds that a scripted engine reports: in round k all sub-pixels are k, and the first k are settled."""
    images = np.stack([np.full(SPEC.shape, number % SPEC.levels, np.uint8) for number in numbers])
    each = Array.of(np.array(numbers, np.int64))
    return PixelsGuessed(
        request=request,
        session=1,
        start=0,
        rounds=each,
        images=Array.of(images),
        settled=Array.of(np.array(numbers, np.int64) if not done else np.array([*numbers[:-1], END], np.int64)),
        changed=each,
        work_ms=1.0,
        done=done,
    )


def test_the_film_ends_where_playing_ends(session: PixelsState, engine: PixelEngine, guessing: PixelGuessing) -> None:
    film = film_of(guessing)
    assert film.done and guessing.shown and guessing.playing and not guessing.running
    assert (film.start, film.num_guessed, film.last_round) == (3, END - 3, len(film))
    session.navigator.finish()
    engine.serve()
    np.testing.assert_array_equal(film.images[-1], where(session).image)


def test_pixels_are_settled_changed_or_still_wrong(guessing: PixelGuessing) -> None:
    film = film_of(guessing)
    assert film.wrong[-1] == 0 < film.wrong[0]
    for frame in range(len(film)):
        settled, changed, wrong = film.masks(frame)
        assert settled.sum() == film.settled[frame] and wrong.sum() == film.wrong[frame]
        assert changed.sum() == film.changed[frame] and not (settled & wrong).any()
    row, column = np.argwhere(film.images[0, 0] != film.images[-1, 0])[0]
    since = film.right_since(int(row), int(column))
    assert (film.images[since - 1 :, 0, row, column] == film.images[-1, 0, row, column]).all()
    assert film.images[since - 2, 0, row, column] != film.images[-1, 0, row, column]
    assert film.right_since(0, 0) == 1, "it was given"


def test_rounds_that_come_in_parts_are_one_film(session: PixelsState, engine: PixelEngine) -> None:
    session.guessing.start()
    request = engine.last(GuessPixels).request
    engine.deliver(rounds(request, 1, 2))
    film = film_of(session.guessing)
    assert not film.done and not film.wrong.size and not film.masks(1).wrong.any()
    assert session.guessing.running and session.guessing.playing
    session.guessing.stop()
    assert engine.last(Cancel).target == request and not session.guessing.running
    session.guessing.start()
    request = engine.last(GuessPixels).request
    engine.deliver(rounds(request, 1, 2))
    engine.deliver(rounds(request, 4, 6, done=True))
    film = film_of(session.guessing)
    assert film.rounds.tolist() == [1, 2, 4, 6] and film.done and not session.guessing.running
    session.guessing.seek_round(5)
    assert session.guessing.position == 2, "the last one kept before it"
    session.guessing.step(-5)
    assert session.guessing.position == 0 and not session.guessing.playing


def test_a_move_of_the_generation_or_a_tool_shows_it_again(
    session: PixelsState, engine: PixelEngine, guessing: PixelGuessing
) -> None:
    session.use_current_weights()
    engine.serve()
    assert guessing.shown, "newer weights move nothing"
    session.navigator.forward()
    engine.serve()
    assert not guessing.shown and not guessing.playing and guessing.film is not None
    guessing.play()
    assert guessing.shown
    session.tools.set_tool("edit")
    assert not guessing.shown
    session.tools.set_tool("go")
    guessing.set_active(False)
    guessing.play()
    assert not guessing.shown and not guessing.playing, "its view is closed"


def test_what_was_chosen_is_held_and_another_seed_is_used_as_by_playing(
    session: PixelsState, engine: PixelEngine
) -> None:
    session.navigator.draw_to(4)
    engine.serve()
    session.choose(2)
    session.navigator.draw_to(END)
    engine.serve()
    whole = where(session).image
    session.navigator.go_to(0)
    engine.serve()
    session.guessing.start()
    assert (engine.last(GuessPixels).step, engine.last(GuessPixels).seed) == (5, -1)
    engine.serve()
    np.testing.assert_array_equal(film_of(session.guessing).images[-1], whole)
    session.navigator.set_seed(8)
    session.guessing.start()
    assert (engine.last(GuessPixels).step, engine.last(GuessPixels).seed) == (0, 8)
    engine.serve()
    session.navigator.finish()
    engine.serve()
    np.testing.assert_array_equal(film_of(session.guessing).images[-1], where(session).image)


def test_from_a_finished_image_all_is_guessed_again(session: PixelsState, engine: PixelEngine) -> None:
    session.navigator.finish()
    engine.serve()
    session.guessing.start()
    engine.serve()
    film = film_of(session.guessing)
    assert film.start == 0
    np.testing.assert_array_equal(film.images[-1], where(session).image)


def test_the_last_round_is_kept_as_the_generation_and_undone(
    session: PixelsState, engine: PixelEngine, guessing: PixelGuessing
) -> None:
    edits: list[Any] = []
    session.edits.edited.connect(edits.append)
    before, last = where(session), film_of(guessing).images[-1]
    session.keep_guess()
    engine.serve()
    np.testing.assert_array_equal(where(session).image, last)
    assert (
        film_of(guessing).begun.seed == 0
        and where(session).finished
        and [edit.name for edit in edits] == ["Keep the guessed image"]
    )
    session.navigator.go_to(1)
    engine.serve()
    assert where(session).path == END, "it can be stepped through"
    session.edits.restore(edits[0].before)
    engine.serve()
    np.testing.assert_array_equal(where(session).image, before.image)


def test_a_refusal_another_run_and_a_lost_engine(
    session: PixelsState, engine: PixelEngine, guessing: PixelGuessing
) -> None:
    session.navigator.go_to(0)
    engine.serve()
    session.guessing.start()
    engine.explorer._open.clear()
    engine.serve()
    assert "is not open any more" in guessing.problem and not guessing.running
    session.choose_run("/runs/other")
    assert guessing.film is None and not guessing.problem and guessing.refusal == "No generation is open."
    sent = len(engine.sent)
    guessing.start()
    assert len(engine.sent) == sent


@pytest.mark.parametrize(("content", "suffix"), [("gif", "gif"), ("strip", "png")])
def test_a_film_is_written_with_its_origin(
    session: PixelsState, guessing: PixelGuessing, qtbot: QtBot, tmp_path: Path, content: str, suffix: str
) -> None:
    export = FilmExport(session)
    export.start(content, str(tmp_path / "rounds"))
    qtbot.waitUntil(lambda: not export.busy, timeout=20_000)
    path = tmp_path / f"rounds.{suffix}"
    assert export.message == f"Written: {path}" and not export.failed
    origin = read_provenance(path)
    assert (origin.folder, origin.step, origin.seed, origin.panel) == (RUN, 400, 0, "pixels")
    film = film_of(guessing)
    assert origin.details["Rounds"] == f"{film.last_round} for {film.num_guessed} sub-pixels"
    if content == "gif":
        with Image.open(path) as written:
            assert getattr(written, "n_frames", 1) > len(film), "the last round is held"
            colours = np.unique(np.asarray(written.convert("RGB")).reshape(-1, 3), axis=0)
            assert len(colours) > SPEC.levels, "it has the tints"


def test_a_picture_of_a_round_says_which(session: PixelsState, guessing: PixelGuessing) -> None:
    guessing.seek_round(2)
    seed, details = settings_of(session)
    assert seed == 0 and details["Round"] == f"2 of {film_of(guessing).last_round}"
    guessing.set_shown(False)
    assert "Round" not in settings_of(session)[1]


def test_without_finished_rounds_nothing_is_written(session: PixelsState, tmp_path: Path) -> None:
    export = FilmExport(session)
    export.start("gif", str(tmp_path / "a.gif"))
    assert export.failed and "no finished rounds" in export.message and not list(tmp_path.iterdir())

"""How well entries match what was typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmstudio.window.gui.shell.palette.matching import Query, Text


def _score(typed: str, title: str, *rest: str) -> float:
    return Query(typed).score(Text.of(title, *rest))


@pytest.mark.parametrize(
    ("typed", "better", "worse"),
    [
        ("train", "Train", "Show run in training"),
        ("train", "Train again with these settings", "Show run in training"),
        ("run", "Open run", "Prune"),
        ("cnn", "Gated PixelCNN", "Choose nearest neighbours"),
        ("sc", "Sample continuations", "Largest components"),
        ("pxl", "PixelCNN", "Paint the large picture, then all else"),
        ("gated pixel", "Gated PixelCNN", "Pixels"),
        ("pixel gated", "Gated PixelCNN", "PixelCNN"),
        ("gan", "GAN", "Gated and narrow"),
    ],
)
def test_the_nearer_match_scores_higher(typed: str, better: str, worse: str) -> None:
    assert _score(typed, better) > _score(typed, worse)


def test_details_are_searched_after_titles() -> None:
    assert _score("mnist", "VAE", "MNIST 28×28") > 0
    assert _score("mnist", "MNIST") > _score("mnist", "VAE", "MNIST 28×28")
    assert _score("vae mnist", "VAE · β = 4", "MNIST 28×28", "vae-2026") > 0


@pytest.mark.parametrize("typed", ["vaex", "eav", "vae fashion", "v.a", "q", "mit"])
def test_what_is_not_there_does_not_match(typed: str) -> None:
    assert _score(typed, "VAE", "MNIST 28×28") == 0


def test_nothing_typed_matches_everything() -> None:
    assert _score("", "VAE") == _score("   ", "Quit") == 1


def test_case_and_blanks_do_not_matter() -> None:
    assert _score("  GATED   pixelcnn ", "Gated PixelCNN") == _score("gated pixelcnn", "Gated PixelCNN")


def test_signs_are_no_patterns() -> None:
    assert _score("a*b", "a*b") > 0 and _score("a*b", "aab") == 0 and _score(".^", "anything") == 0


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_a_title_always_matches_itself_and_its_letters_in_order(title: str, rest: str) -> None:
    query = Query(title)
    assert query.score(Text.of(title, rest)) > 0
    letters = "".join(query.words)[::2]
    if letters and "".join(query.words).isalnum():
        assert Query(letters).score(Text.of("".join(query.words), rest)) > 0


@given(st.text(min_size=1, max_size=12), st.text(max_size=30))
def test_only_letters_in_their_order_match(typed: str, title: str) -> None:
    if Query(typed).score(Text.of(title)):
        for word in Query(typed).words:
            rest = iter(title.casefold())
            assert all(letter in rest for letter in word)

"""How ``--given`` is written."""

import pytest

from gmstudio.cli.given import GivenWords, parse_given


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image.png:first=300", GivenWords("image.png", first=300)),
        ("image.png:rows=14:resize", GivenWords("image.png", rows=14, resize=True)),
        (
            "a.png:convert:mask=m.png:resize",
            GivenWords("a.png", mask="m.png", resize=True, convert=True),
        ),
        (r"C:\pictures\a.png:mask=D:\m.png", GivenWords(r"C:\pictures\a.png", mask=r"D:\m.png")),
        ("digits:valid:3:first=0", GivenWords("digits:valid:3", first=0)),
    ],
)
def test_options_are_taken_apart(text: str, words: GivenWords) -> None:
    assert parse_given(text) == words


def test_folders_are_left_out_of_what_is_passed_on() -> None:
    assert parse_given("/home/me/a.png:mask=/home/me/m.png:resize").without_folders() == "a.png:mask=m.png"
    assert parse_given("digits:valid:3:rows=2").without_folders() == "digits:valid:3:rows=2"
    assert parse_given("a.png:first=0").without_folders() == "a.png:first=0"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image.png", "which part of it is given"),
        ("image.png:first=", "which part of it is given"),
        (":first=3", "which part of it is given"),
        ("image.png:first=3:rows=2", "which part of it is given"),
        ("image.png:first=-3", "first is '-3'; it must be a whole number"),
        ("image.png:rows=half", "rows is 'half'"),
        ("image.png:rows=1:rows=2", "rows is there twice"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_given(text)

"""Parsing of ``--given``."""

import pytest

from gmstudio.cli.conditioning import ConditioningOption, parse_given


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("image.png:first=300", ConditioningOption("image.png", first=300)),
        ("image.png:rows=14:resize", ConditioningOption("image.png", rows=14, resize=True)),
        (
            "a.png:convert:mask=m.png:resize",
            ConditioningOption("a.png", mask="m.png", resize=True, convert=True),
        ),
        (r"C:\pictures\a.png:mask=D:\m.png", ConditioningOption(r"C:\pictures\a.png", mask=r"D:\m.png")),
        ("digits:valid:3:first=0", ConditioningOption("digits:valid:3", first=0)),
    ],
)
def test_options_are_parsed(text: str, parsed: ConditioningOption) -> None:
    assert parse_given(text) == parsed


def test_folders_are_left_out_of_files_that_are_passed_on() -> None:
    assert parse_given("/home/me/a.png:mask=/home/me/m.png:resize").without_folders() == "a.png:mask=m.png"
    assert parse_given("digits:valid:3:rows=2").without_folders() == "digits:valid:3:rows=2"
    assert parse_given("a.png:first=0").without_folders() == "a.png:first=0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image.png", "which part of it is observed"),
        ("image.png:first=", "which part of it is observed"),
        (":first=3", "which part of it is observed"),
        ("image.png:first=3:rows=2", "which part of it is observed"),
        ("image.png:first=-3", "first is '-3'; it must be a whole number"),
        ("image.png:rows=half", "rows is 'half'"),
        ("image.png:rows=1:rows=2", "rows is there twice"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_given(text)

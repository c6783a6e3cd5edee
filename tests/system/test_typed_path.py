"""Paths as people paste them."""

import os
from pathlib import Path

import pytest

from gmstudio.system.typed_path import typed_path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/data/my set", "/data/my set"),
        ("  /data/x\n", "/data/x"),
        ("'/data/my set'", "/data/my set"),
        ('"/data/my set"', "/data/my set"),
        (' "relative" ', "relative"),
        ("file:///data/my%20set", "/data/my set"),
        ("file://localhost/data/x", "/data/x"),
        ("file:/data/x", "/data/x"),
        ("FILE:///data/100%25#1?", "/data/100%#1?"),
        ("'file:///data/caf%C3%A9'", "/data/café"),
        ('"it\'s"', "it's"),
        ("'unbalanced", "'unbalanced"),
        ("''", "''"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="POSIX paths")
def test_quotes_and_links_are_understood(text: str, path: str) -> None:
    assert typed_path(text) == Path(path)


def test_a_name_that_exists_is_taken_as_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("'quoted'").touch()
    assert typed_path("'quoted'") == Path("'quoted'")
    assert typed_path("'other'") == Path("other")


def test_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("USERPROFILE", "/home/me")
    assert typed_path("'~/runs'") == Path("/home/me/runs")
    with pytest.raises(ValueError, match="home of a user who is not known here"):
        typed_path("~nosuchuser/x")


def test_links_to_other_computers_are_refused() -> None:
    with pytest.raises(ValueError, match="on another computer, server"):
        typed_path("file://server/share/x")


def test_what_no_path_can_be_is_left_to_its_reader() -> None:
    assert typed_path("a\0b") == Path("a\0b")

"""Searches of runs: words and conditions, typed by hand."""

import pytest
from runs_scene import BRANCH, CNN, EXAMPLE, FAILED, FLOW, OLD, RUNS, VAE

from gmstudio.protocol.run_query import RunQuery, words_of


def found(text: str) -> list[str]:
    query = RunQuery(text)
    return [info.run for info in RUNS if query.accepts(info, words_of(info))]


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("", [info.run for info in RUNS]),
        ("wide", [VAE]),
        ("β", [VAE]),
        ("smaller", [VAE]),
        ("digits cnn", [CNN]),
        ("tag:thesis", [CNN]),
        ("tag:thes", []),
        ('tag:"figure 2"', [CNN]),
        ("family:vae", [VAE, BRANCH, EXAMPLE]),
        ("family:VAE data:shapes", [BRANCH]),
        ("data:shapes", [BRANCH]),
        ("status:failed", [FAILED]),
        ("is:starred", [FLOW]),
        ("is:archived", [OLD]),
        ("is:branch", [BRANCH]),
        ("parent:vae-01", [BRANCH]),
        ("family:vae -is:example -data:shapes", [VAE]),
        ("-family:vae -is:archived", [FLOW, CNN, FAILED]),
        ("finite", [FAILED]),
        ("colour:red", []),
        ("is:nothing", []),
    ],
)
def test_a_search_finds(text: str, runs: list[str]) -> None:
    assert found(text) == runs


@pytest.mark.parametrize("text", ["tag:", "family:", "-", '"', "is: ", 'tag:"'])
def test_a_condition_that_is_still_typed_hides_nothing(text: str) -> None:
    assert len(found(text)) == len(RUNS)


def test_only_a_search_for_archived_runs_wants_them() -> None:
    assert RunQuery("is:archived x").wants_archived and not RunQuery("-is:archived").wants_archived

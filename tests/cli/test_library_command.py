"""The library on the command line: searched, sorted, annotated."""

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.description import Description, read_description, write_description
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import Scalar
from gmstudio.runs.record import new_record

LOSSES = {"nade": 90.0, "vae": 70.0, "gan": 1.0}


@pytest.fixture
def library(home: Path) -> Path:
    """Three runs: a tagged one, an archived one, and one that failed."""
    kept = {
        "nade": Description(name="A baseline", tags=("baseline", "week 1"), starred=True),
        "vae": Description(archived=True, tags=("baseline",)),
        "gan": Description(note="collapsed"),
    }
    for number, (family, description) in enumerate(kept.items()):
        training = msgspec.to_builtins(FAMILIES[family].training_defaults)
        record = new_record(
            RunSpec(family=family, data="digits", training=training), image=ImageSpec(1, 8, 8, 2), device="cpu"
        )
        record = msgspec.structs.replace(record, created=f"2026-01-0{number + 1}T00:00:00+00:00")
        with RunFolder.create(home / "runs" / family, record) as run:
            run.history.append([Scalar(10 * number, "valid", "loss", LOSSES[family])])
            run.update(status="failed" if family == "gan" else "finished", step=10 * number)
        write_description(home / "runs" / family, description)
    return home / "runs"


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments), env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def _listed(*arguments: str) -> list[str]:
    return [Path(run["run"]).name for run in json.loads(_run("runs", *arguments, "--json"))["runs"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["gan", "nade"]),
        (["--all"], ["gan", "vae", "nade"]),
        (["--find", "is:archived"], ["vae"]),
        (["--find", "baseline -vae"], ["nade"]),
        (["--find", "collapsed"], ["gan"]),
        (["--all", "--tag", "Baseline"], ["vae", "nade"]),
        (["--tag", "baseline", "--tag", "week 1"], ["nade"]),
        (["--tag", "base"], []),
        (["--family", "NADE"], ["nade"]),
        (["--data", "digits", "--status", "failed"], ["gan"]),
        (["--data", "mnist"], []),
        (["--all", "--sort", "oldest"], ["nade", "vae", "gan"]),
        (["--all", "--sort", "bits"], ["vae", "nade", "gan"]),
        (["--all", "--sort", "steps"], ["gan", "vae", "nade"]),
        (["--all", "--sort", "name"], ["nade", "gan", "vae"]),
        (["--all", "--sort", "status"], ["gan", "vae", "nade"]),
    ],
)
def test_runs_are_found_and_sorted(library: Path, options: list[str], expected: list[str]) -> None:
    assert _listed(*options) == expected


def test_the_document_has_tags_archive_and_origin(library: Path) -> None:
    found = {Path(run["run"]).name: run for run in json.loads(_run("runs", "--all", "--json"))["runs"]}
    assert found["nade"]["tags"] == ["baseline", "week 1"] and found["vae"]["archived"] is True
    assert found["gan"]["tags"] == [] and found["gan"]["origin"] is None


def test_the_table_shows_tags_and_says_what_it_leaves_out(library: Path) -> None:
    shown = _run("runs")
    assert "★ A baseline" in shown and "baseline, week 1" in shown and "1 archived; --all" in shown
    assert "archived;" not in _run("runs", "--all")


def test_a_damaged_run_is_listed_where_nothing_is_searched(library: Path) -> None:
    (library / "broken").mkdir()
    (library / "broken" / "run.json").write_text("{")
    assert _listed()[-1] == "broken" and _listed("--status", "damaged") == ["broken"]
    assert "broken" not in _listed("--find", "broken")


def test_a_run_is_annotated(library: Path) -> None:
    shown = _run("annotate", "gan", "--name", "Mode collapse", "--tag", "bad, week 2", "--tag", "bad", "--star")
    assert shown.strip() == "★ · Mode collapse · bad, week 2"
    assert read_description(library / "gan") == Description(
        name="Mode collapse", note="collapsed", starred=True, tags=("bad", "week 2")
    )
    found = json.loads(_run("annotate", "gan", "--untag", "BAD", "--unstar", "--archive", "--note", "", "--json"))
    assert (found["tags"], found["starred"], found["archived"], found["note"]) == (["week 2"], False, True, None)
    _run("annotate", str(library / "gan"), "--unarchive", "--name", "")
    assert read_description(library / "gan") == Description(tags=("week 2",))


def test_what_cannot_be_annotated_is_a_sentence(library: Path) -> None:
    with pytest.raises(ValueError, match="Nothing is to be changed"):
        _run("annotate", "gan")
    with pytest.raises(ValueError, match="A tag is empty"):
        _run("annotate", "gan", "--tag", "a,,b")
    with pytest.raises(ValueError, match="nor a run of the library"):
        _run("annotate", "none", "--star")

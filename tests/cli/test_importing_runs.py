"""``gmstudio export --archive`` and ``gmstudio import``: a run travels as one file, or as a folder."""

import json
from pathlib import Path

import pytest
from archive_making import make_run
from typer.testing import CliRunner

from gmstudio.cli import app
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import runs_home
from gmstudio.runs.record import RunError

KEYS = {"run", "path", "source", "remarks"}


def call(*words: str) -> str:
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_run_travels_as_one_file(tmp_path: Path) -> None:
    make_run(tmp_path / "made")
    call("export", str(tmp_path / "made"), "--archive", str(tmp_path / "it.gmrun"))
    found = json.loads(call("import", str(tmp_path / "it.gmrun"), "--json"))
    assert found.keys() == KEYS
    assert found["run"] == "made"
    assert Path(found["path"]) == runs_home() / "made"
    with RunFolder.open(runs_home() / "made") as run:
        assert run.checkpoints.load().step == 40


def test_a_folder_is_imported_once(tmp_path: Path) -> None:
    make_run(tmp_path / "elsewhere")
    assert call("import", str(tmp_path / "elsewhere")).strip() == str(runs_home() / "elsewhere")
    with pytest.raises(RunError, match="in the library already"):
        CliRunner().invoke(app, ["import", str(runs_home() / "elsewhere")], catch_exceptions=False)


def test_what_is_no_run_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.gmrun").write_text("hello")
    with pytest.raises(RunError, match="no run packed by gmstudio"):
        CliRunner().invoke(app, ["import", str(tmp_path / "a.gmrun")], catch_exceptions=False)
    assert not runs_home().exists()

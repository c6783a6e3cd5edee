"""Names and messages in the terminal: shown as they are, never as markup or as commands to the terminal."""

import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import runs_home
from gmstudio.runs.record import new_record

FAST = ["--set", "validation_images=20", "--set", "num_samples=1", "--set", "batch_size=16"]
HOSTILE = "what [/x] is \x1b[31m\u202ered"


def call(*arguments: str, columns: int = 300) -> str:
    result = CliRunner().invoke(cli.app, list(arguments), env={"COLUMNS": str(columns)})
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def make_run(path: Path, title: str = "") -> str:
    image = ImageSpec(channels=1, height=8, width=8, levels=2)
    spec = RunSpec(family="vae", data="digits", config={"note": HOSTILE})
    with RunFolder.create(path, new_record(spec, image=image, device="cpu", title=title)) as run:
        run.history.log(3, "warning", HOSTILE)
        run.update(status="failed", message=HOSTILE)
    return str(path)


def test_a_title_that_looks_like_markup_is_listed_as_it_is(home: Path) -> None:
    make_run(runs_home() / "a", HOSTILE)
    make_run(runs_home() / "b", "long " * 100)
    output = call("runs")
    assert "what [/x] is [31mred" in output and "\x1b" not in output and "\u202e" not in output
    assert max(map(len, output.splitlines())) < 250, "long titles are shortened"


def test_a_list_of_runs_fits_a_terminal_of_80_columns(home: Path) -> None:
    with RunFolder.open(make_run(runs_home() / "2026-11-29-pixelcnn-01"), write=True) as folder:
        folder.update(status="finished")
        created = folder.record.created
    output = call("runs", columns=80)
    assert max(map(len, output.splitlines()[1:])) <= 80
    assert created[:10] in output and "2026-11-29-pixelcnn-01" in output


def test_one_run_is_shown_without_commands_to_the_terminal(tmp_path: Path) -> None:
    output = call("runs", make_run(tmp_path / "[mnist] try", HOSTILE))
    assert output.count("what [/x] is [31mred") == 4, "title, settings, message and log"
    assert "[mnist] try" in output and "\x1b" not in output and "\u202e" not in output


def test_the_folder_of_a_training_is_reported_as_it_is(tmp_path: Path) -> None:
    run = tmp_path / "[mnist] [/bold] try"
    assert f"finished at step 1: {run}" in call("train", "vae", "--steps", "1", "--out", str(run), *FAST)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are UTF-8 there")
def test_a_folder_whose_name_is_not_utf8_is_listed_with_the_reason(home: Path) -> None:
    make_run(runs_home() / "good")
    make_run(runs_home() / os.fsdecode(b"caf\xe9"))
    output = call("runs")
    assert "good" in output and "caf\N{REPLACEMENT CHARACTER} has a name that is not UTF-8" in output


def test_errors_reach_the_terminal_as_one_plain_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gmstudio", "runs", "\x1b[2J\n[red]x"])
    with pytest.raises(SystemExit):
        cli.main()
    error = capsys.readouterr().err
    assert "[2J\\n[red]x' is neither a folder here nor a run" in error and "\x1b" not in error


@pytest.mark.skipif(os.name == "nt", reason="POSIX homes")
@pytest.mark.parametrize("arguments", [["runs"], ["train", "vae"], ["open"], []])
def test_a_home_of_an_unknown_user_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setenv("GMSTUDIO_HOME", "~nosuchuser/x")
    monkeypatch.setattr(sys, "argv", ["gmstudio", *arguments])
    with pytest.raises(SystemExit):
        cli.main()
    assert "GMSTUDIO_HOME is '~nosuchuser/x'" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["'{}'", '"{}"', "file://{}"])
def test_pasted_paths_are_understood(tmp_path: Path, form: str) -> None:
    run = tmp_path / "run"
    call("train", "vae", "--steps", "1", "--out", form.format(run), *FAST)
    assert run.is_dir()
    assert "finished at step 1" in call("runs", form.format(run))
    call("sample", form.format(run), "-n", "1", "-o", form.format(tmp_path / "x.png"))
    assert (tmp_path / "x.png").is_file()


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no working directory")
@pytest.mark.parametrize("arguments", ["runs", "train vae", "score run", "--smoke"])
def test_a_deleted_working_directory_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: str
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(sys, "argv", ["gmstudio", *arguments.split()])
    with pytest.raises(SystemExit):
        cli.main()
    assert (
        capsys.readouterr().err
        == "The working directory was deleted. Change to a folder that exists, and start again.\n"
    )

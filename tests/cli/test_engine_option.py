"""``gmstudio --engine COMMAND``: the window starts that command as its engine."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gmstudio import app, cli

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 100
WRAPPER = """#!/bin/sh
GMSTUDIO_WRAPPED="by $1"
export GMSTUDIO_WRAPPED
exec "{python}" -c '
import os, runpy, sys
with open("{record}", "a") as file:
    print(os.environ["GMSTUDIO_WRAPPED"], sys.argv[1:], file=file)
sys.argv = ["engine"]
runpy.run_module("gmstudio.engine", run_name="__main__")
' "$2"
"""


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("ssh gpu-box gmstudio engine", ["ssh", "gpu-box", "gmstudio", "engine"]),
        ("  ssh   -p 22 box 'gmstudio engine' ", ["ssh", "-p", "22", "box", "gmstudio engine"]),
        (r'"/opt/my tools/engine" --name=a\ b ""', ["/opt/my tools/engine", "--name=a b", ""]),
    ],
)
def test_a_command_is_split_like_a_shell_does(text: str, command: list[str]) -> None:
    assert cli.parse_engine(text) == command


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ssh 'gpu-box", "--engine ssh 'gpu-box: No closing quotation; close the quotation mark"),
        ("   ", "--engine names no command"),
    ],
)
def test_a_command_that_cannot_be_split_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cli.parse_engine(text)


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["--engine", "ssh box gmstudio engine"], ["ssh", "box", "gmstudio", "engine"]),
        (["open", "--engine", "ssh box gmstudio engine"], ["ssh", "box", "gmstudio", "engine"]),
        (["open"], None),
        ([], None),
    ],
)
def test_the_window_gets_the_command(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], command: list[str] | None
) -> None:
    opened: list[Any] = []

    def run(_argv: list[str], *, smoke: bool, engine_command: list[str] | None) -> int:
        opened.append((smoke, engine_command))
        return 0

    monkeypatch.setattr(app, "run", run)
    assert CliRunner().invoke(cli.app, arguments).exit_code == 0
    assert opened == [(False, command)]


def test_commands_without_a_window_refuse_another_engine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["gmstudio", "--engine", "ssh box gmstudio engine", "runs"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "--engine belongs to the window; gmstudio runs computes in its own process" in capsys.readouterr().err


def smoke(engine: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gmstudio", "--smoke", "--engine", engine]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell script")
def test_the_real_window_works_with_the_real_engine_behind_a_wrapper(home: Path, tmp_path: Path) -> None:
    folder, record = tmp_path / "my tools", tmp_path / "record.txt"
    folder.mkdir()
    wrapper = folder / "engine"
    wrapper.write_text(WRAPPER.format(python=sys.executable, record=record), encoding="utf-8")
    wrapper.chmod(0o755)
    done = smoke(f"'{wrapper}' test 'two words'")
    assert done.returncode == 0, done.stderr
    assert record.read_text(encoding="utf-8") == "by test ['two words']\n", "it was started once"
    assert (home / "window.ini").exists()


def test_an_engine_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    done = smoke(str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert "The engine could not be started" in done.stderr and "nowhere" in done.stderr

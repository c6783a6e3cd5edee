"""The commands list themselves, and what is missing before Python even runs is said in one sentence."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


class Machine:
    """A search path with just these commands on it, for a user who may not install anything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.has("id", "echo 1000")
        self.has("sudo", "exit 1")
        self.has("apt-get", "echo must not be called >&2; exit 1")

    def has(self, name: str, script: str) -> None:
        path = self._folder / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def create_venv(self, target: Path, **environ: str) -> subprocess.CompletedProcess[str]:
        command = ["/bin/sh", str(ROOT / ".ci/create-venv"), str(target)]
        return subprocess.run(
            command, env={"PATH": str(self._folder), **environ}, capture_output=True, text=True, timeout=60
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    folder = tmp_path / "bin"
    folder.mkdir()
    return Machine(folder)


OLD = "exit 1"  # its answer to every question whether it is new enough
WITHOUT_VENV = f"""case "$*" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@" """
COMPLETE = f"""exec {sys.executable} "$@" """


def test_no_python_is_said(machine: Machine, tmp_path: Path) -> None:
    done = machine.create_venv(tmp_path / "venv")
    assert done.returncode == 1
    assert done.stderr.startswith("gmstudio needs Python 3.11 or newer and found none")
    assert done.stderr.count("\n") == 1


def test_an_old_python_is_passed_over(machine: Machine, tmp_path: Path) -> None:
    machine.has("python3", OLD)
    assert "found none" in machine.create_venv(tmp_path / "venv").stderr
    assert "PYTHON=python3 is not" in machine.create_venv(tmp_path / "venv", PYTHON="python3").stderr


def test_a_python_without_venv_is_said_with_the_command(machine: Machine, tmp_path: Path) -> None:
    machine.has("python3", WITHOUT_VENV)
    done = machine.create_venv(tmp_path / "venv")
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    assert done.returncode == 1
    assert (
        done.stderr == f"gmstudio: python3 lacks the venv module; install it with: sudo apt-get install -y {package}\n"
    )


@pytest.mark.slow
def test_the_first_python_that_will_do_is_taken(machine: Machine, tmp_path: Path) -> None:
    machine.has("python3", OLD)
    machine.has("python3.13", WITHOUT_VENV)
    machine.has("python3.12", COMPLETE)
    done = machine.create_venv(tmp_path / "venv")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "venv/bin/pip").exists()


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_alone_lists_every_command() -> None:
    done = subprocess.run(
        ["make"], cwd=ROOT, capture_output=True, text=True, timeout=60, env={"PATH": os.environ["PATH"]}
    )
    listed = [line.split()[1] for line in done.stdout.splitlines()]
    assert listed == [
        "help",
        "run",
        "test",
        "check",
        "bench",
        "gpu",
        "soak",
        "pictures",
        "protocol",
        "data",
        "examples",
        "clean",
    ], done.stderr

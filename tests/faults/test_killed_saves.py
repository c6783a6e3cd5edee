"""Fault 2: kill -9 at every cut point of a checkpoint's writing: the one before is whole, and training goes on as ever.

A driver process trains with the engine's own job. For each cut point it forks a child, which resumes a copy of the run,
trains to its next checkpoint, and is killed before its k-th operation on files in the thread that writes checkpoints:
each call of a file, of the system or of SQLite there is one; a write is cut in the middle as well.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fault_engine import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
]

DRIVER = ROOT / "tests" / "killed_saves.py"


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is such a disk: hundreds of small files, of which no power cut is expected."""
    shared = Path("/dev/shm")
    with TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


def test_every_cut_point_of_a_checkpoint_leaves_a_run_that_resumes_exactly(memory_folder: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(memory_folder)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    cuts, torn, resumed = map(int, done.stdout.split())
    assert cuts > 30 and torn >= 4, "not only the operations of folders"
    assert resumed >= 8

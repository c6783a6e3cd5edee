"""Driver of the test of killed saves: ``python killed_saves.py FOLDER`` prints cut points, torn writes, resumed runs.

See ``faults/test_killed_saves.py``. It exits with an error at the first cut point that leaves less than it should.
"""

import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from fault_engine import assert_same, learned, train_vae

from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.runs.checkpoints import CheckpointStore

CPU = torch.device("cpu")
STEPS = {"steps": 24, "checkpoint_every": 8, "validate_every": 24, "sample_every": 24}
STOPPED_AT, NEXT = 10, 16
CACHE = DatasetCache()
"""Filled before the first fork, as all modules are loaded by then."""
WRITES = frozenset(["write"])
_AROUND = ["open", "flush", "close", "fsync", "execute", "mkdir", "rename", "replace", "unlink", "rmdir"]
TO_DISK = WRITES | frozenset(_AROUND)
"""Names of the functions that are counted: all that change a file, and what is around them."""
RESUMED_EVERY = 8
"""Cut points from one full resume to the next."""


class Killer:
    """Kills the process before an operation on files in the thread that writes checkpoints.

    Args:
        operation: number of that operation, from 1; larger than there are: the process lives on.
        torn: count only writes, and write half of the data first.
    """

    def __init__(self, operation: int, torn: bool) -> None:
        self._left, self._torn = operation, torn

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        """Count the calls of functions in C; ``sys.setprofile`` calls this."""
        if event != "c_call" or getattr(called, "__name__", "") not in (WRITES if self._torn else TO_DISK):
            return
        self._left -= 1
        if self._left == 0:
            data = frame.f_locals.get("data")
            if self._torn and isinstance(data, bytes):
                raw = called.__self__.raw
                raw.write(data[: len(data) // 2])
                os._exit(TORN)
            os.kill(os.getpid(), signal.SIGKILL)


TORN = 77


def advance_to(job: TrainingJob, step: int) -> None:
    while job.running and job.trainer.step < step:
        job.advance()


def resumed(folder: Path) -> TrainingJob:
    return resume_run(str(folder), Continuation(), CACHE, CPU, lambda _: None)


def in_child(act: Any) -> int:
    """Do something in a forked process; its exit code, negative: the signal that ended it."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def save_and_die(folder: Path, operation: int, torn: bool) -> None:
    job = resumed(folder)
    advance_to(job, NEXT - 1)
    os.fsync = lambda descriptor: None  # a killed process loses nothing that it wrote; only a power cut would
    threading.setprofile(Killer(operation, torn))  # the thread that writes begins with its first checkpoint
    advance_to(job, NEXT)
    job.trainer._writer.finish()  # waits; had training gone on, its own poll might take the news, and it save once more


def finish(folder: Path) -> None:
    job = resumed(folder)
    while job.running:
        job.advance()
    assert job.over


def prepare(base: Path) -> None:
    """A run that was not disturbed, and one that was stopped between two checkpoints."""
    for name, last in (("whole", None), ("before", STOPPED_AT)):
        plan = plan_run(CACHE, train_vae(**STEPS).spec, CPU)
        job = start_training(plan, str(base / name), CPU, lambda _: None)
        if last is None:
            while job.running:
                job.advance()
        else:
            advance_to(job, last)
            job.stop()


def check(folder: Path, base: Path, cut: tuple[int, bool]) -> None:
    """Hold a run whose save was killed to what it must still have."""
    found = CheckpointStore(folder).load()
    assert found.step in (STOPPED_AT, NEXT), (cut, found.step)
    assert found.warnings == (), (cut, found.warnings)
    if cut[0] % RESUMED_EVERY == 0 or cut[1]:
        assert in_child(lambda: finish(folder)) == 0, cut
        assert_same(learned(folder), learned(base / "whole"))
        leftovers = [path.name for path in (folder / "checkpoints").iterdir() if path.name.startswith(".")]
        assert not leftovers, (cut, leftovers)


def main() -> int:
    """Kill a save at each of its cut points, and print how many there were."""
    base = Path(sys.argv[1])
    prepare(base)
    cuts = tears = checked = 0
    for torn in (False, True):
        operation = 0
        while True:
            operation += 1
            folder = base / f"{operation}-{torn}"
            shutil.copytree(base / "before", folder)
            code = in_child(lambda f=folder, k=operation, t=torn: save_and_die(f, k, t))
            assert code in (0, TORN, -signal.SIGKILL), code
            if code == 0:
                break
            if torn and code != TORN:
                shutil.rmtree(folder)
                continue  # a write that is not cut: the same as without tearing
            check(folder, base, (operation, torn))
            shutil.rmtree(folder)
            cuts, tears = cuts + (not torn), tears + torn
            checked += torn or operation % RESUMED_EVERY == 0
    print(cuts, tears, checked)
    return 0


if __name__ == "__main__":
    sys.exit(main())

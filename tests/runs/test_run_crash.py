"""kill -9 at any time: what was acknowledged is there, and a whole checkpoint too."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import summarize
from gmstudio.runs.lock import is_locked
from gmstudio.runs.record import RunBusyError, RunRecord, write_record

ROOT = Path(__file__).parents[2]

WRITER = """
import sys
import numpy as np
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import ImageGrid, Scalar

with RunFolder.open(sys.argv[1], write=True) as run:
    step = max((int(steps[-1]) for steps, _ in run.history.read_scalars().values()), default=0)
    while True:
        step += 1
        grid = np.full((4, 1, 8, 8), step % 256, np.uint8)
        run.history.append([Scalar(step, "train", "loss", float(step))], [ImageGrid(step, "samples", grid)])
        run.checkpoints.save(step, {"model": {"w": np.full(1000, step, np.float32)}, "rng": {}}, {"step": step})
        run.update(step=step)
        print(step, flush=True)
"""


def start_writer(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_what_a_killed_writer_acknowledged_is_there(tmp_path: Path, record: RunRecord) -> None:
    path = tmp_path / "run"
    RunFolder.create(path, record).close()
    last = 0
    for rounds in (1, 7, 12, 4):
        with start_writer(path) as writer:
            assert writer.stdout is not None
            try:
                for _ in range(rounds):
                    last = int(writer.stdout.readline())
                assert is_locked(path)
                with pytest.raises(RunBusyError, match=rf"being written by process {writer.pid}"):
                    RunFolder.open(path, write=True)
                assert summarize(path).status == "running"
            finally:
                writer.kill()
            last = max([last, *map(int, writer.stdout.read().split())])
        assert writer.returncode == -signal.SIGKILL
        assert summarize(path).status == "interrupted"
        with RunFolder.open(path) as run:
            steps, values = run.history.read_scalars()["train", "loss"]
            assert steps.tolist() == list(range(1, steps[-1] + 1)) and values.tolist() == steps.tolist()
            assert last <= steps[-1] <= last + 1
            assert run.history.image_steps() == steps.tolist()
            assert (run.history.read_images(int(steps[-1])) == steps[-1] % 256).all()
            found = run.checkpoints.load()
            assert last <= found.step <= last + 1 and found.warnings == ()
            assert (found.tensors["model"]["w"] == found.step).all() and found.state == {"step": found.step}
            assert last <= run.record.step <= last + 1


DIES_AT_EVERY_FILE_OPERATION = """
import os, shutil, sys
from pathlib import Path
import numpy as np
from gmstudio.runs.checkpoints import CheckpointStore

base = Path(sys.argv[1])
os.fsync = lambda descriptor: None  # a killed process loses nothing that it wrote; only a power cut would
OPERATIONS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.listdir", "os.scandir")

def save(folder, step, value):
    CheckpointStore(folder).save(step, {"model": {"w": np.full(10, value, np.float32)}, "rng": {}}, {"value": value})

def die_at(operation):
    count = 0
    def hook(event, arguments):
        nonlocal count
        if event in OPERATIONS and str(base) in str(arguments):
            count += 1
            if count == operation:
                os._exit(9)
    sys.addaudithook(hook)

def crashed(folder, operation, step):
    child = os.fork()
    if child == 0:
        die_at(operation)
        save(folder, step, 99)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9

save(base / "before", 1, 1)
save(base / "before", 2, 2)
for step in (2, 3):  # saving step 2 again, and the first saving of step 3, which prunes step 1
    operation = 0
    while True:
        operation += 1
        folder = base / f"{step}-{operation}"
        shutil.copytree(base / "before", folder)
        dead = crashed(folder, operation, step)
        store = CheckpointStore(folder)
        found = store.load()
        assert (found.step, found.state["value"]) in ((2, 2), (step, 99)), (step, operation, found)
        assert (found.tensors["model"]["w"] == found.state["value"]).all()
        assert found.warnings == (), (step, operation, found.warnings)
        save(folder, 4, 4)
        assert store.load().step == 4
        names = sorted(path.name for path in (folder / "checkpoints").iterdir())
        assert len(names) == 3 and not any(name.startswith(".") for name in names), (step, operation, names)
        shutil.rmtree(folder)
        if not dead:
            break
    print(operation)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_whole_checkpoint_is_there_wherever_a_save_is_killed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DIES_AT_EVERY_FILE_OPERATION, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert all(int(counts) > 15 for counts in done.stdout.split()), done.stdout


def test_a_record_half_written_is_not_seen(tmp_path: Path, record: RunRecord) -> None:
    write_record(tmp_path, record)
    (tmp_path / ".run.json.writing").write_text("{")
    with RunFolder.open(tmp_path, write=True) as run:
        assert run.record == record
        run.update(step=3)
    assert not (tmp_path / ".run.json.writing").exists()

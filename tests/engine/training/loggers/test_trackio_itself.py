"""The real trackio, offline: a training on the command line, read back from trackio's own database."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gmstudio.runs.folder import RunFolder

READ = """
import json, sys
from trackio.sqlite_storage import SQLiteStorage
print(json.dumps(SQLiteStorage.get_logs("drawings", sys.argv[1])))
"""


@pytest.mark.skipif(
    importlib.util.find_spec("trackio") is None,
    reason="trackio is not installed: pip install --no-deps trackio (it limits Pillow to an older version)",
)
def test_trackio_has_every_point(tmp_path: Path) -> None:
    home = {"TRACKIO_DIR": str(tmp_path / "trackio"), "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    environment = {**os.environ, **home, "GMSTUDIO_HOME": str(tmp_path), "PYTHONIOENCODING": "utf-8"}
    settings = ("num_hidden=8", "validate_every=20", "sample_every=20", "num_samples=4", "validation_images=16")
    train = [sys.executable, "-m", "gmstudio", "train", "vae", "--data", "digits", "--steps", "40"]
    train += ["--out", str(tmp_path / "run"), "--log", "trackio:drawings"]
    train += [part for setting in settings for part in ("--set", setting)]
    done = subprocess.run(train, capture_output=True, text=True, encoding="utf-8", env=environment, timeout=100)
    assert done.returncode == 0, done.stderr
    read = [sys.executable, "-W", "ignore", "-c", READ, "run"]
    out = subprocess.run(read, capture_output=True, text=True, encoding="utf-8", env=environment, timeout=100)
    assert out.returncode == 0, out.stderr
    rows = json.loads(out.stdout.splitlines()[-1])
    found = {(key, row["step"]): value for row in rows for key, value in row.items() if "/" in key}
    with RunFolder.open(tmp_path / "run") as run:
        for (split, name), (steps, values) in run.history.read_scalars().items():
            assert [found[f"{split}/{name}", step] for step in steps.tolist()] == values.tolist()
    assert [row["step"] for row in rows if "means" in row] == [0, 20, 40]

"""Peak resident memory of the window and of the engine, one fresh pair for each family."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FAMILIES = ("pixelcnn", "vae", "gan")


def measure(seconds: float) -> dict[str, Any]:
    """Train each family for some seconds behind a real window, 28×28 binary, batch 64, default sizes.

    Returns:
        ``families``: family → ``window_mib``, ``engine_mib`` (peaks) and ``steps`` made.
    """
    return {"benchmark": "memory", "seconds": seconds, "families": {f: _pair(f, seconds) for f in FAMILIES}}


def _pair(family: str, seconds: float) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", family, str(seconds)],
        cwd=ROOT,
        env=os.environ,
        stdout=subprocess.PIPE,
        timeout=300 + seconds,
        check=True,
        text=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _child(family: str, seconds: float) -> None:
    import psutil

    from benchmarks.window import opened_window, run_events, train, wait_until, write_random_idx
    from gmstudio.protocol.training import StopTraining

    peaks = {"window_mib": 0.0, "engine_mib": 0.0}
    with tempfile.TemporaryDirectory() as data, opened_window() as (_, studio):
        write_random_idx(Path(data))
        catalog = studio.library.catalog
        assert catalog is not None
        processes = {"window_mib": psutil.Process(), "engine_mib": psutil.Process(catalog.pid)}
        every = {"steps": 10_000_000, "sample_every": 100, "validate_every": 100}
        run = train(studio, family, Path(data), every, {})
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            run_events(0.1)
            for name, process in processes.items():
                peaks[name] = max(peaks[name], process.memory_info().rss / 2**20)
        studio.client.send(StopTraining())
        wait_until(lambda: not studio.library.live, "the end of training")
        info = studio.library.info(run)
        assert info is not None
        print(json.dumps({**peaks, "steps": info.step}))


if __name__ == "__main__":
    _child(sys.argv[1], float(sys.argv[2]))

"""Import of a folder of PNGs: listing and decoding, peak memory; opening and loading of the imported set."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CLASSES = 10
SIDE = 28


def measure(images: int) -> dict[str, Any]:
    """Write PNGs of 28×28 pixels in ten folders, then index, import, open and load them in a process of its own.

    Returns:
        ``indexed_per_s``, ``imported_per_s`` (decoding, fitting, hashing, writing), ``total_per_s`` (all of it),
        ``cpu_us_per_image`` (of all, as other processes may take turns), ``peak_mib`` and ``base_mib`` (of the process
        before), ``open_ms`` (an imported set), ``load_ms`` (its data set), ``longest_piece_ms``.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "pictures"
        _write_pictures(folder, images)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.data", str(folder), str(Path(place) / "home")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    return {"benchmark": "data", "images": images, **json.loads(done.stdout.splitlines()[-1])}


def _write_pictures(folder: Path, count: int) -> None:
    """Write blurred noise, which packs about as well as digits do."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    for label in range(CLASSES):
        (folder / str(label)).mkdir(parents=True)
    for number in range(count):
        coarse = random.integers(0, 256, (7, 7), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        picture.save(folder / str(number % CLASSES) / f"{number:06}.png", compress_level=1)


def _child(folder: Path, home: Path) -> None:
    import os

    from gmstudio.data import SOURCES
    from gmstudio.data.importing.set_file import ImportedSet, open_import
    from gmstudio.data.importing.settings import ImportSettings
    from gmstudio.data.importing.store import import_images
    from gmstudio.data.progress import Progress

    os.environ["GMSTUDIO_HOME"] = str(home)
    base = peak_mib()
    stages: dict[str, float] = {}
    longest, begun, cpu_begun = 0.0, time.perf_counter(), time.process_time()
    last = begun
    found: ImportedSet | None = None
    for item in import_images(folder, ImportSettings(), home / "data"):
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
        if isinstance(item, Progress):
            stages[item.stage] = now - begun
        else:
            found = item
    total, cpu = time.perf_counter() - begun, time.process_time() - cpu_begun
    assert found is not None
    peak = peak_mib()
    open_ms = _milliseconds(lambda: open_import(found.folder).images[0])
    images = SOURCES["images"]
    load_ms = _milliseconds(lambda: images.load(images.Config(folder=str(found.folder))))
    count = len(found)
    print(
        json.dumps(
            {
                "indexed_per_s": round(count / stages["index"]),
                "imported_per_s": round(count / (total - stages["sample"])),
                "total_per_s": round(count / total),
                "cpu_us_per_image": round(1e6 * cpu / count, 1),
                "peak_mib": round(peak, 1),
                "base_mib": round(base, 1),
                "open_ms": round(open_ms, 2),
                "load_ms": round(load_ms, 1),
                "longest_piece_ms": round(1000 * longest, 1),
            }
        )
    )


def _milliseconds(action: Any) -> float:
    begun = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - begun)


def peak_mib() -> float:
    """Largest memory of this process; where the system says it, without that of the process that started it."""
    import resource

    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    _child(Path(sys.argv[1]), Path(sys.argv[2]))

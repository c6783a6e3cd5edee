"""The real window in this process, with its real engine, for benchmarks that need both."""

import gzip
import os
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from gmstudio.app import SWITCH_S
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training import StartTraining
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.shell.garbage_collection import GarbageCollection
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.studio import Studio

TIMEOUT_S = 120.0
NUM_IMAGES = 2000
POLL_INTERVAL_MS = 20


@contextmanager
def opened_window(
    width: int = 1280, height: int = 800, *, examples: bool = False
) -> Iterator[tuple[MainWindow, Studio]]:
    """Context with a window on an empty library, its engine ready; closed at the end.

    Args:
        width: of the window, pixels.
        height: of the window, pixels.
        examples: the library has the ready models of the program.
    """
    other = {} if examples else {"GMSTUDIO_EXAMPLES": os.devnull}
    with tempfile.TemporaryDirectory() as home, environment(**other), opened_on(Path(home), width, height) as opened:
        yield opened


@contextmanager
def opened_on(
    home: Path, width: int = 1280, height: int = 800, *, panel: str = "", command: list[str] | None = None
) -> Iterator[tuple[MainWindow, Studio]]:
    """Context with a window on a library, its engine ready; closed at the end.

    Args:
        home: folder of the library and all else that the program keeps.
        width: of the window, pixels.
        height: of the window, pixels.
        panel: that is shown; empty: the first.
        command: of the engine; None: this Python's.
    """
    application = QApplication.instance() or QApplication(["gmstudio"])
    sys.setswitchinterval(SWITCH_S)
    with environment(GMSTUDIO_HOME=str(home)):
        client = EngineClient(command)
        client.start()
        studio = Studio(client)
        window = MainWindow(studio, PLACES)
        window.completed.connect(lambda: GarbageCollection(window))
        window.resize(width, height)
        window.show()
        if panel:
            window.show_panel(panel)
        try:
            wait_until(lambda: studio.library.catalog is not None, "the engine's catalog")
            yield window, studio
        finally:
            window.close()
            wait_until(lambda: client.state.phase in ("closed", "given up"), "the engine's end")
            QCoreApplication.sendPostedEvents()
    assert application is not None


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Context with other environment variables."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = TIMEOUT_S) -> None:
    """Run the window's event loop until the condition holds.

    Raises:
        TimeoutError: when it does not in time.
    """
    run_events(timeout_s, condition)
    if not condition():
        raise TimeoutError(f"Waited {timeout_s:.0f} seconds for {what}, which did not come.")


def run_events(seconds: float, until: Callable[[], bool] = lambda: False) -> None:
    """Run the window's event loop, idle between events, for ``seconds`` or until ``until()`` is true."""
    end = time.monotonic() + seconds
    loop = QEventLoop()
    poll = QTimer(interval=POLL_INTERVAL_MS)
    poll.timeout.connect(lambda: loop.quit() if until() or time.monotonic() > end else None)
    poll.start()
    if not until():
        loop.exec()
    poll.stop()


def write_random_idx(folder: Path, size: int = 28) -> None:
    """Write random images under MNIST's file names, for measuring time only."""
    random = np.random.default_rng(0)
    for name in ("train", "t10k"):
        images = random.integers(0, 256, (NUM_IMAGES, size, size), dtype=np.uint8)
        with gzip.open(folder / f"{name}-images-idx3-ubyte.gz", "wb", compresslevel=1) as file:
            file.write(struct.pack(">IIII", 0x803, NUM_IMAGES, size, size) + images.tobytes())
        labels = random.integers(0, 10, NUM_IMAGES, dtype=np.uint8)
        with gzip.open(folder / f"{name}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(struct.pack(">II", 0x801, NUM_IMAGES) + labels.tobytes())


def train(studio: Studio, family: str, folder: Path, training: dict[str, Any], config: dict[str, Any]) -> str:
    """Start training on the images of a folder, binarized; return the run once it is open."""
    data_config = {"folder": str(folder), "levels": 2}
    spec = RunSpec(family=family, config=config, data="idx", data_config=data_config, training=training)
    studio.client.send(StartTraining(spec=spec))
    wait_until(lambda: bool(studio.library.live), f"the training of {family}")
    return studio.library.live

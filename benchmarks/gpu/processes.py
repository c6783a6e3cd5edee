"""Parts that are processes of their own: the tests that need the device, and a training on several devices."""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu.machine import usable_device
from benchmarks.gpu.measurements import Effort, Measurement, device_count
from benchmarks.gpu.results import Result
from gmstudio.runs.folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
DEVICE_VARIABLE = "GMSTUDIO_TEST_DEVICE"
MARK = "mark.cuda"
TIMEOUT_S = 460
LAST_LINES = 12
QUICK_TESTS = "losses_are_those_of_the_cpu and made"
DIVIDED = ("pixelcnn", "vae")
"""Families that are trained on several devices."""


class PartError(RuntimeError):
    """A process of a part failed; the message has the end of what it said."""


def tests(effort: Effort) -> Iterator[Measurement]:
    """Yield the run of the tests that are marked ``cuda``."""
    yield Measurement("pytest", partial(run_tests, effort.device, QUICK_TESTS if effort.quick else ""))


def files_of_tests() -> list[str]:
    """Find the files with tests that need a device, so that the others need not be imported."""
    found = sorted(ROOT.joinpath("tests").rglob("test_*.py"))
    return [str(path.relative_to(ROOT)) for path in found if MARK in path.read_text(encoding="utf-8")]


def run_tests(device: str, names: str) -> Result:
    """Run the tests that need a device on one.

    Args:
        device: name that ``choose_device`` accepts.
        names: expression for the names of those that are run; empty: all.

    Returns:
        ``passed``, ``failed``, ``skipped`` and the names of the failed ones.

    Raises:
        PartError: when they did not run to their end.
    """
    chosen = ["-m", "cuda", *(["-k", names] if names else [])]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", *chosen, f"--junitxml={report}", *files_of_tests()]
        said = _run(command, {DEVICE_VARIABLE: device}, accepted=(0, 1))
        if not report.is_file():
            raise PartError(f"The tests did not run to their end: {said}")
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    cases = [case for suite in suites for case in suite.iter("testcase")]
    failed = [c for c in cases if c.find("failure") is not None or c.find("error") is not None]
    skipped = [c for c in cases if c.find("skipped") is not None]
    return {
        "passed": len(cases) - len(failed) - len(skipped),
        "failed": len(failed),
        "skipped": len(skipped),
        "failures": [f"{case.get('classname')}::{case.get('name')}" for case in failed],
    }


def ddp(effort: Effort) -> Iterator[Measurement]:
    """Yield a training on one device and on all of them, for some families."""
    for family in DIVIDED:
        if family in effort.families:
            yield Measurement(family, partial(divide, effort, family))


def divide(effort: Effort, family: str) -> Result:
    """Train with the same batch on one device and on all: rates and the difference of the losses.

    Returns:
        ``count``, ``one_images_per_s``, ``all_images_per_s``, ``speedup`` and ``loss_difference``; only ``skipped``, a
        sentence, where there is one device.
    """
    count = device_count(usable_device(effort.device))
    if count < 2:
        return {"skipped": "There is one GPU here; a training is divided among two or more."}
    with tempfile.TemporaryDirectory() as folder:
        alone = _trained(effort, family, 1, Path(folder) / "one")
        together = _trained(effort, family, count, Path(folder) / "all")
    return {
        "family": family,
        "count": count,
        "one_images_per_s": alone[0],
        "all_images_per_s": together[0],
        "speedup": together[0] / alone[0],
        "loss_difference": float(np.abs(alone[1] - together[1]).max()),
    }


def _trained(effort: Effort, family: str, count: int, out: Path) -> tuple[float, NDArray[np.float64]]:
    """Images per second, and the losses of every step, of a training by this many processes."""
    steps, batch = (6, 8) if effort.quick else (300, 256)
    settings = [f"{name}={value}" for name, value in effort.config(family).items()]
    train = ["train", family, "--data", "digits", "--steps", str(steps), "--seed", "1", "--out", str(out)]
    train += ["--device", usable_device(effort.device).type, "--set", f"batch_size={batch}"]
    for setting in settings:
        train += ["--set", setting]
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}", "-m", "gmstudio"]
    _run([sys.executable, *(launcher if count > 1 else ["-m", "gmstudio"]), *train], {"OMP_NUM_THREADS": "1"})
    with RunFolder.open(out) as run:
        curves = run.history.read_scalars()
    rates, losses = curves["train", "images_per_s"][1], curves["train", "loss"][1]
    return float(np.median(rates[len(rates) // 2 :])), np.asarray(losses)


def _run(command: list[str], variables: dict[str, str], accepted: tuple[int, ...] = (0,)) -> str:
    """Run a command in the checkout; the last lines of what it said.

    Raises:
        PartError: when it ends with another code, or takes too long.
    """
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **variables}
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PartError(f"It took longer than {TIMEOUT_S} seconds and was ended.") from error
    last = "\n".join(done.stdout.splitlines()[-LAST_LINES:])
    if done.returncode not in accepted:
        raise PartError(f"It ended with code {done.returncode}:\n{last}")
    return last

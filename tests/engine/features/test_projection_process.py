"""Tests of the process that computes projections."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import psutil
import pytest

from gmstudio.engine.features.projection_messages import (
    FeatureRows,
    ProjectionTask,
    TaskFailure,
    TaskReport,
    TaskResult,
    decode_from_worker,
    worker_frame,
)
from gmstudio.engine.features.projection_process import WORKER, ProjectionError, ProjectionProcess
from gmstudio.engine.runtime.compiled_code import worker_environment
from gmstudio.protocol.array import Array
from gmstudio.protocol.features_projection import ProjectionSettings
from gmstudio.protocol.frames import FrameReader

ROWS = np.random.default_rng(0).normal(size=(40, 12)).astype(np.float32)


@pytest.fixture
def process() -> Iterator[ProjectionProcess]:
    """A process that is ended after the test."""
    process = ProjectionProcess()
    yield process
    process.close()


def result_of(process: ProjectionProcess, rows: np.ndarray = ROWS) -> TaskResult:
    """The result of PCA."""
    *_, last = process.project("pca", ProjectionSettings(), rows)
    assert isinstance(last, TaskResult)
    return last


def test_projections_are_computed_one_after_the_other_by_one_process(process: ProjectionProcess) -> None:
    first = result_of(process)
    pid = process.pid
    many = np.repeat(ROWS, 2000, axis=0)[:, :10].repeat(10, axis=1)  # 32 MB: more than one message
    second = result_of(process, np.ascontiguousarray(many))
    assert first.places.shape == (40, 12)
    assert second.places.shape == (80_000, 16)
    assert process.pid == pid and pid is not None
    assert sum(first.explained) == pytest.approx(1.0)


def test_a_projection_that_is_given_up_ends_the_process(process: ProjectionProcess) -> None:
    pieces = process.project("tsne", ProjectionSettings(), np.zeros((20_000, 50), np.float32))
    while not isinstance(next(pieces), TaskReport):
        pass
    pid = process.pid
    pieces.close()
    assert process.pid is None
    assert pid is not None and not psutil.pid_exists(pid)
    assert result_of(process).places.shape == (40, 12)


def test_a_process_that_ends_is_reported_and_replaced(process: ProjectionProcess) -> None:
    pieces = process.project("tsne", ProjectionSettings(), np.zeros((20_000, 50), np.float32))
    while not isinstance(next(pieces), TaskReport):
        pass
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(ProjectionError, match="ended unexpectedly"):
        for _ in pieces:
            pass
    assert result_of(process).places.shape == (40, 12)


def test_a_failure_is_a_sentence_and_the_process_goes_on(process: ProjectionProcess) -> None:
    with pytest.raises(ProjectionError, match="The projection failed"):
        for _ in process.project("pca", ProjectionSettings(), np.full((40, 12), np.nan, np.float32)):
            pass
    pid = process.pid
    assert result_of(process).places.shape == (40, 12)
    assert process.pid == pid


def test_the_process_ends_when_its_input_closes_in_the_midst_of_a_task() -> None:
    task = ProjectionTask(number=1, method="pca", settings=ProjectionSettings(), num_images=1000, num_dims=3)
    worker = subprocess.Popen(
        [sys.executable, "-m", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=worker_environment()
    )
    out, _ = worker.communicate(worker_frame(task), timeout=60)
    assert worker.returncode == 0
    assert out == b""


def test_features_of_a_task_that_failed_are_passed_over() -> None:
    task = ProjectionTask(number=2, method="pca", settings=ProjectionSettings(), num_images=40, num_dims=12)
    stale, own = (FeatureRows(number=number, rows=Array.of(ROWS)) for number in (1, 2))
    with subprocess.Popen(
        [sys.executable, "-m", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=worker_environment()
    ) as worker:
        assert worker.stdin is not None and worker.stdout is not None
        worker.stdin.write(worker_frame(task) + worker_frame(stale) + worker_frame(own))
        worker.stdin.flush()
        reader, answer = FrameReader(), None
        while not isinstance(answer, (TaskResult, TaskFailure)):
            for body in reader.feed(os.read(worker.stdout.fileno(), 65536)):
                answer = decode_from_worker(body)
        worker.stdin.close()
    assert isinstance(answer, TaskResult) and answer.places.shape == (40, 12)


def test_the_process_refuses_what_is_no_message() -> None:
    worker = subprocess.run(
        [sys.executable, "-m", WORKER],
        input=b"\x03\0\0\0abc",
        capture_output=True,
        env=worker_environment(),
        timeout=60,
        check=False,
    )
    assert worker.returncode == 1
    assert b"Not a message" in worker.stderr


def test_the_process_loads_neither_torch_nor_qt() -> None:
    code = f"import sys, {WORKER}; print(sorted({{'torch', 'PySide6', 'umap', 'openTSNE'}} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=worker_environment(), check=True
    )
    assert found.stdout.strip() == "[]"

"""The engine's connection to the process that computes projections."""

import os
import subprocess
import sys
import threading
from collections.abc import Generator
from queue import Empty, SimpleQueue

import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.features.projection_messages import (
    ROWS_BYTES,
    FeatureRows,
    FromWorker,
    ProjectionTask,
    TaskFailure,
    TaskReport,
    TaskResult,
    decode_from_worker,
    worker_frame,
)
from gmstudio.engine.runtime.compiled_code import worker_environment
from gmstudio.engine.runtime.inspection import PIECE_S
from gmstudio.protocol.array import Array, ProtocolError
from gmstudio.protocol.features_projection import ProjectionMethod, ProjectionSettings
from gmstudio.protocol.frames import FrameReader

WORKER = "gmstudio.engine.features.projecting_worker"
_READ_BYTES = 1 << 20
_END_S = 5.0


class ProjectionError(RuntimeError):
    """The process failed or ended; the message is a sentence for people."""


class ProjectionProcess:
    """A process that computes projections, started at the first one and kept for the next.

    A projection that is given up ends the process, since its libraries cannot be interrupted.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._received: SimpleQueue[FromWorker | None] = SimpleQueue()
        self._number = 0

    @property
    def pid(self) -> int | None:
        """Number of the process; None while there is none."""
        return None if self._process is None else self._process.pid

    def project(
        self, method: ProjectionMethod, settings: ProjectionSettings, rows: NDArray[np.float32]
    ) -> Generator[TaskReport | TaskResult | None, None, None]:
        """Compute a projection; closing the generator before its end ends the process.

        Args:
            method: any but ``dimensions``.
            settings: of the method.
            rows: (N, F) features.

        Returns:
            A generator of reports, of None about every ``PIECE_S`` seconds, and last of the result.

        Raises:
            ProjectionError: from the generator, when the work fails or the process ends.
        """
        self._number += 1
        task = ProjectionTask(
            number=self._number,
            method=method,
            settings=settings,
            num_images=rows.shape[0],
            num_dims=rows.shape[1],
            threads=os.cpu_count() or 1,
        )
        process = self._running()
        complete = False
        try:
            threading.Thread(target=_write, args=(process, task, rows), name="projection-writer", daemon=True).start()
            while not complete:
                message = self._next()
                if message is not None and message.number != task.number:
                    continue  # of a task that failed while its features were on their way
                if isinstance(message, TaskFailure):
                    complete = True
                    if message.detail:
                        print(message.detail, file=sys.stderr)
                    raise ProjectionError(message.message)
                complete = isinstance(message, TaskResult)
                yield message
        finally:
            if not complete:
                self.close()

    def close(self) -> None:
        """End the process, at once."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait(_END_S)
        for stream in (process.stdin, process.stdout):
            if stream is not None and not stream.closed:
                try:
                    stream.close()
                except OSError:  # features that were not written yet
                    continue

    def _running(self) -> subprocess.Popen[bytes]:
        """Return the process, started anew where there is none or it has ended."""
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            self._received = SimpleQueue()
            self._process = subprocess.Popen(
                [sys.executable, "-m", WORKER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=worker_environment(),
            )
            threading.Thread(
                target=_read, args=(self._process, self._received), name="projection-reader", daemon=True
            ).start()
        return self._process

    def _next(self) -> TaskReport | TaskResult | TaskFailure | None:
        """Return what the process has sent; None when that was nothing for ``PIECE_S`` seconds."""
        try:
            message = self._received.get(timeout=PIECE_S)
        except Empty:
            return None
        if message is None:
            raise ProjectionError(
                "The process that computes projections ended unexpectedly. The system ends processes when memory runs "
                "out; project fewer images, or try again."
            )
        return message


def _write(process: subprocess.Popen[bytes], task: ProjectionTask, rows: NDArray[np.float32]) -> None:
    """Write a task and its features; where the process has ended, the reader says so."""
    assert process.stdin is not None
    each = max(1, ROWS_BYTES // (4 * max(1, rows.shape[1])))
    try:
        process.stdin.write(worker_frame(task))
        for start in range(0, len(rows), each):
            part = Array.of(np.ascontiguousarray(rows[start : start + each], dtype=np.float32))
            process.stdin.write(worker_frame(FeatureRows(number=task.number, rows=part)))
        process.stdin.flush()
    except (OSError, ValueError):  # ended, or closed by ``close``
        return


def _read(process: subprocess.Popen[bytes], received: "SimpleQueue[FromWorker | None]") -> None:
    assert process.stdout is not None
    reader = FrameReader()
    try:
        while data := os.read(process.stdout.fileno(), _READ_BYTES):
            for body in reader.feed(data):
                received.put(decode_from_worker(body))
    except (OSError, ValueError, ProtocolError) as error:
        if process.poll() is None:
            print(f"Reading from the projecting process failed: {error}", file=sys.stderr)
    finally:
        received.put(None)  # in any case: nobody is to wait for a reader that has ended

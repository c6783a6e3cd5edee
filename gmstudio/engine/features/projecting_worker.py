"""``python -m gmstudio.engine.features.projecting_worker``: compute projections beside the engine.

A process of its own, since t-SNE and UMAP hold the interpreter for seconds: the engine's loop stays free, and a
projection that nobody wants any more ends by ending the process. Tasks come in over standard input, see
``projection_messages``; the process ends when that closes, also in the midst of a task.
"""

import contextlib
import os
import sys
import threading
import traceback
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.features.projection_messages import (
    FeatureRows,
    FromWorker,
    ProjectionTask,
    TaskFailure,
    TaskReport,
    TaskResult,
    ToWorker,
    decode_to_worker,
    worker_frame,
)
from gmstudio.engine.features.projection_methods import METHODS
from gmstudio.protocol.array import Array
from gmstudio.protocol.frames import FrameReader

NICENESS = 10
_READ_BYTES = 1 << 20


class ProjectingWorker:
    """Computes the tasks of one engine, one after the other.

    Args:
        fd_in: file descriptor of the engine's messages.
        fd_out: file descriptor of the replies.
    """

    def __init__(self, fd_in: int, fd_out: int) -> None:
        self._fd_in, self._fd_out = fd_in, fd_out
        self._inbox: SimpleQueue[ToWorker] = SimpleQueue()
        threading.Thread(target=self._read, name="projection-reader", daemon=True).start()

    def serve(self) -> None:
        """Compute tasks until the process is ended by the reader."""
        while True:
            message = self._inbox.get()
            if isinstance(message, ProjectionTask):
                self._answer(message)

    def _answer(self, task: ProjectionTask) -> None:
        number = task.number
        try:
            rows = self._rows(task)

            def report(stage: str, share: float, places: NDArray[np.float32] | None) -> None:
                shown = None if places is None else Array.of(places)
                self._send(TaskReport(number=number, stage=stage, share=share, places=shown))

            found = METHODS[task.method](rows, task.settings, task.threads, report)
            if not np.isfinite(found.places).all():
                raise ValueError("The projection has points that are not finite; choose other settings.")
            self._send(TaskResult(number=number, places=Array.of(found.places), explained=found.explained))
        except MemoryError:
            self._send(TaskFailure(number=number, message="Memory ran out; project fewer images."))
        except Exception as error:
            message = f"The projection failed: {error}"
            self._send(TaskFailure(number=number, message=message, detail=traceback.format_exc()))

    def _rows(self, task: ProjectionTask) -> NDArray[np.float32]:
        """Collect the (N, F) features that follow a task."""
        rows = np.empty((task.num_images, task.num_dims), np.float32)
        start = 0
        while start < len(rows):
            message = self._inbox.get()
            if not isinstance(message, FeatureRows):
                raise ValueError("The features of a projection are incomplete.")
            if message.number != task.number:
                continue  # of a task that failed while its features were on their way
            part = message.rows.numpy()
            rows[start : start + len(part)] = part
            start += len(part)
        return rows

    def _send(self, message: FromWorker) -> None:
        view = memoryview(worker_frame(message))
        try:
            while view:
                view = view[os.write(self._fd_out, view) :]
        except OSError:  # the engine is gone
            os._exit(0)

    def _read(self) -> None:
        reader = FrameReader()
        code = 0
        try:
            while data := os.read(self._fd_in, _READ_BYTES):
                for body in reader.feed(data):
                    self._inbox.put(decode_to_worker(body))
        except (OSError, ValueError) as error:
            print(f"Reading standard input failed: {error}", file=sys.stderr)
            code = 1
        os._exit(code)  # in the midst of a computation, too


def main() -> None:
    """Serve over standard input and output; what libraries print goes to standard error."""
    frames_out = os.dup(1)
    os.dup2(2, 1)
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(NICENESS)
    ProjectingWorker(sys.stdin.fileno(), frames_out).serve()


if __name__ == "__main__":
    main()

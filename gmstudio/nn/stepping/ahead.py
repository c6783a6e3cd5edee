"""Work that a second thread does ahead of its need, while the first one does what does not depend on it.

The thread is one for the whole process. It may be busy, and the processor may have no core to spare: what has not begun
when it is needed, is done by the thread that needs it. So the results are the same, and nothing waits for a turn. A
forked process has a thread of its own; what was being done at the fork is lost there, and cannot be continued.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context


def _new_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="ahead")


_THREAD = _new_thread()


def _begin_anew() -> None:
    """In a forked process: its locks may be held by threads that are not there."""
    global _THREAD
    _THREAD = _new_thread()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


class Ahead:
    """Work that is begun ahead of its need, again and again.

    Args:
        work: spends its time where the interpreter's lock is released: in the compiled kernel, or in products of numpy.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._thread = _THREAD
        self._begun: Future[None] | None = None

    def begin(self) -> None:
        """Let the other thread begin as soon as it can, in this context: numpy's handling of errors is that of here."""
        self._thread = _THREAD
        self._begun = self._thread.submit(copy_context().run, self._work)

    def finish(self) -> None:
        """Return when the work is done, by either thread, at once if it was not begun; its errors are raised here.

        Raises:
            RuntimeError: when this process was forked while the work was being done.
        """
        begun, self._begun = self._begun, None
        if begun is None or begun.cancel():
            self._work()
        elif self._thread is not _THREAD and not begun.done():
            raise RuntimeError("The process was forked while an image was being generated; begin it anew in the child.")
        else:
            begun.result()

    def forget(self) -> None:
        """Return when nothing of it is being done any more; what it works on is to be changed."""
        begun, self._begun = self._begun, None
        if begun is not None and not begun.cancel() and self._thread is _THREAD:
            begun.exception()

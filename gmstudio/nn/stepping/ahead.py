"""Work that a second thread does ahead of its need, while the first one does what does not depend on it.

The thread is one for the whole process. It may be busy, the processor may have no core to spare, and a forked process
has no such thread: what has not begun when it is needed, is done by the thread that needs it. So the results are the
same, and nothing waits for a turn.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


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
        self._begun: Future[None] | None = None

    def begin(self) -> None:
        """Let the other thread begin as soon as it can."""
        self._begun = _THREAD.submit(self._work)

    def finish(self) -> None:
        """Return when the work is done, by either thread, at once if it was not begun; its errors are raised here."""
        begun, self._begun = self._begun, None
        if begun is None or begun.cancel():
            self._work()
        else:
            begun.result()

    def forget(self) -> None:
        """Return when nothing of it is being done any more; what it works on is to be changed."""
        begun, self._begun = self._begun, None
        if begun is not None and not begun.cancel():
            begun.result()

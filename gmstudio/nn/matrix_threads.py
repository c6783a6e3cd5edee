"""Threads of the libraries with which numpy and scipy multiply matrices; those of torch are left as they are.

The limit is one of the whole process, and several pieces of work may want it at once, on the engine's loop and in
threads beside it. It is counted, so that it is lifted by the last of them: lifted by the first, another one would sum
in another order, and images that are coded then could not be decoded. As OpenBLAS obeys one thread only, the one that
has set a limit first, a thread of its own sets and lifts it. Where OpenMP gives each thread its own limit, each sets
its own besides.
"""

import importlib
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache
from typing import Any


def _setter() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="matrix-threads")


_LOCK = threading.Lock()
_SETTER = _setter()
_LIMIT = ExitStack()
_holders = 0
"""Pieces of work that want the limit now."""


def _begin_anew() -> None:
    """In a forked process: the thread that set the limit is not there, and nobody holds it."""
    global _LOCK, _SETTER, _LIMIT, _holders
    _LOCK, _SETTER, _LIMIT, _holders = threading.Lock(), _setter(), ExitStack(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


@contextmanager
def one_matrix_thread(*, scipy: bool = True) -> Iterator[None]:
    """Let products of matrices use one thread: sums are taken in one order, and small ones cost less work.

    Args:
        scipy: those of scipy as well as numpy's; it is imported for that, which takes a tenth of a second.
    """
    global _holders
    libraries = _matrix_libraries(scipy or "scipy.linalg" in sys.modules)
    lock = _LOCK
    with lock:
        if not _holders:
            _SETTER.submit(lambda: _LIMIT.enter_context(libraries.limit(limits=1))).result()
        _holders += 1
    try:
        with libraries.limit(limits=1) if _has_limits_by_thread(libraries) else nullcontext():
            yield
    finally:
        if lock is _LOCK:  # else this process was forked meanwhile, and begins anew
            with lock:
                _holders -= 1
                if not _holders:
                    _SETTER.submit(_LIMIT.close).result()


@cache
def _matrix_libraries(scipy: bool) -> Any:
    """Controller of the libraries; to find them takes some milliseconds."""
    if scipy:
        importlib.import_module("scipy.linalg")  # has one of its own, which is to be found
    return importlib.import_module("threadpoolctl").ThreadpoolController().select(user_api="blas")


def _has_limits_by_thread(libraries: Any) -> bool:
    return any(getattr(each, "threading_layer", "") == "openmp" for each in libraries.lib_controllers)

"""Memory that is freed stays with the process until it is given back."""

import gc
import subprocess
import sys
import weakref

import pytest

from gmstudio.engine.runtime import memory
from gmstudio.system import heap

FAULTS = """
import resource, sys
import numpy as np
from gmstudio.engine.runtime.memory import give_back_memory
from gmstudio.system.heap import keep_freed_memory

def faults(blocks):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    held = [np.ones(2**20) for _ in range(blocks)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

assert keep_freed_memory() and keep_freed_memory()
first = faults(8)
kept = faults(8)
give_back_memory()
print(first, kept, faults(8))
"""


class Node:
    """Part of a reference cycle, as a model and its optimizer are."""

    def __init__(self) -> None:
        self.itself = self


def test_what_is_left_of_a_training_is_freed_where_that_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.disable()  # else Python may come first
    try:
        left = weakref.ref(Node())
        monkeypatch.setattr("gc.get_freeze_count", lambda: 0)
        memory.give_back_memory()
        assert left() is not None
    finally:
        gc.enable()
    monkeypatch.setattr("gc.get_freeze_count", lambda: 1)
    memory.give_back_memory()
    assert left() is None


@pytest.mark.skipif(not heap.is_glibc(), reason="needs glibc")
def test_what_is_freed_is_used_again_without_asking_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, timeout=60, check=True)
    first, kept, given_back = map(int, done.stdout.split())
    assert first > 1000 and given_back > 1000  # pages of 4 KiB: 16,384 of them, fewer where the system has large ones
    assert kept < first / 10


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    assert not heap.keep_freed_memory() and not heap.share_one_heap()
    memory.give_back_memory()

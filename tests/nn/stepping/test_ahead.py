"""Work done ahead by a second thread, or by the one that needs it."""

import os
import subprocess
import sys
import textwrap
import threading
from typing import Literal

import numpy as np
import pytest

from gmstudio.nn.stepping import ahead
from gmstudio.nn.stepping.ahead import Ahead

WAIT_S = 20.0


class Work:
    """Work that notes which thread has done it."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.done = threading.Event()

    def __call__(self) -> None:
        self.threads.append(threading.current_thread())
        self.done.set()


def occupied() -> threading.Event:
    """Keep the second thread busy until the event is set."""
    begun, released = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        released.wait(WAIT_S)

    ahead._THREAD.submit(wait)
    assert begun.wait(WAIT_S)
    return released


def failing() -> Ahead:
    """Work whose error the other thread has caught."""
    begun = threading.Event()

    def fail() -> None:
        begun.set()
        raise FloatingPointError("overflow")

    each = Ahead(fail)
    each.begin()
    assert begun.wait(WAIT_S)
    return each


def test_what_was_begun_is_done_by_the_other_thread_once() -> None:
    work = Work()
    for number in (1, 2):
        work.done.clear()
        each = Ahead(work)
        each.begin()
        assert work.done.wait(WAIT_S)
        each.finish()
        assert len(work.threads) == number and threading.current_thread() not in work.threads


def test_what_was_not_begun_is_done_where_it_is_needed() -> None:
    work = Work()
    each = Ahead(work)
    each.finish()
    released = occupied()
    each.begin()
    each.finish()
    released.set()
    assert work.threads == [threading.current_thread()] * 2


def test_what_is_forgotten_is_not_done_afterwards() -> None:
    work = Work()
    each = Ahead(work)
    released = occupied()
    each.begin()
    each.forget()
    released.set()
    ahead._THREAD.submit(int).result(WAIT_S)
    assert not work.threads
    each.begin()
    assert work.done.wait(WAIT_S)
    each.forget()
    each.finish()
    assert [thread is threading.current_thread() for thread in work.threads] == [False, True]


def test_an_error_is_raised_where_the_result_is_needed() -> None:
    each = failing()
    with pytest.raises(FloatingPointError, match="overflow"):
        each.finish()


def test_the_other_thread_handles_errors_of_numpy_as_this_one_does() -> None:
    done = threading.Event()

    def divide() -> None:
        done.set()
        np.divide(np.ones(2), 0.0)

    each = Ahead(divide)
    handlings: tuple[Literal["ignore", "raise"], ...] = ("ignore", "raise")
    for handling in handlings:
        done.clear()
        with np.errstate(divide=handling):
            each.begin()
        assert done.wait(WAIT_S)
        if handling == "raise":
            with pytest.raises(FloatingPointError):
                each.finish()
        else:
            each.finish()


def test_an_error_of_what_is_forgotten_is_not_raised() -> None:
    each = failing()
    each.forget()


SCRIPT = """
    import os, signal
    from gmstudio.nn.stepping import ahead

    done = []
    ahead._THREAD.submit(int).result()
    ahead._THREAD._shutdown_lock.acquire()
    child = os.fork()
    if not child:
        signal.alarm(20)
        each = ahead.Ahead(lambda: done.append(1))
        each.begin()
        each.finish()
        os._exit(7 if done == [1] else 8)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
    os._exit(0)
"""


HALFWAY = """
    import os, signal, threading
    from gmstudio.nn.stepping import ahead

    begun, released = threading.Event(), threading.Event()
    each = ahead.Ahead(lambda: (begun.set(), released.wait()))
    each.begin()
    begun.wait()
    child = os.fork()
    if not child:
        signal.alarm(20)
        try:
            each.finish()
        except RuntimeError as error:
            os._exit(7 if "forked" in str(error) else 8)
        os._exit(9)
    _, status = os.waitpid(child, 0)
    released.set()
    each.finish()
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.parametrize("script", [SCRIPT, HALFWAY], ids=["not begun", "being done at the fork"])
def test_a_forked_process_does_not_wait_for_a_thread_that_it_lacks(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "7", done.stderr

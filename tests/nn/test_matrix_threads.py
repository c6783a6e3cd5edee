"""The limit of threads for products of matrices, which several pieces of work may want at once."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import threadpoolctl  # type: ignore[import-untyped]

from gmstudio.nn.matrix_threads import one_matrix_thread


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    """Two threads, set by a thread that has ended, so that any other one may limit them."""
    with one_matrix_thread():  # loads the libraries
        pass
    before = {library["filepath"]: library["num_threads"] for library in threadpoolctl.threadpool_info()}
    _set({"blas": 2})
    yield
    _set(before)


def _set(limits: dict[str, int]) -> None:
    setter = threading.Thread(target=threadpoolctl.threadpool_limits, args=(limits,))
    setter.start()
    setter.join(30)


def threads() -> set[int]:
    found: list[dict[str, Any]] = threadpoolctl.threadpool_info()
    return {library["num_threads"] for library in found if library["user_api"] == "blas"}


def test_one_thread_and_then_as_many_as_before() -> None:
    assert threads() == {2}
    with pytest.raises(ValueError, match="of the work"), one_matrix_thread():
        assert threads() == {1}
        raise ValueError("of the work")
    assert threads() == {2}


def test_the_limit_stays_until_the_last_one_lifts_it() -> None:
    """Work in a thread that ends first leaves the limit to that of the loop."""
    holds, may_end = threading.Event(), threading.Event()

    def work() -> None:
        with one_matrix_thread():
            holds.set()
            may_end.wait(30)

    thread = threading.Thread(target=work)
    thread.start()
    assert holds.wait(30)
    with one_matrix_thread():
        may_end.set()
        thread.join(30)
        assert not thread.is_alive() and threads() == {1}
    assert threads() == {2}

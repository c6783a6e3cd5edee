"""Work in threads beside the engine's loop: its order, how many threads there are, and the end of the process."""

import threading

from gmstudio.engine.runtime.beside import in_threads


def test_results_come_in_order_from_threads_that_the_end_of_the_process_does_not_wait_for() -> None:
    others, released, waiting = set(threading.enumerate()), threading.Event(), list[int]()

    def work(item: int) -> int:
        waiting.append(item)
        assert released.wait(10)
        return item

    results = in_threads(range(5), work, 2)
    assert next(results) is None  # as on a disk that hangs
    hanging = set(threading.enumerate()) - others
    assert sorted(waiting) == [0, 1] and len(hanging) == 2 and all(thread.daemon for thread in hanging)
    released.set()
    assert [found for found in results if found is not None] == [0, 1, 2, 3, 4]

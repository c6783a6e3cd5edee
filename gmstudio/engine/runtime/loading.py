"""Answers to commands that need a data set: at once where it is kept or loads quickly, else by a job that loads it."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from gmstudio.engine.runtime.datasets import DatasetCache, Loading
from gmstudio.engine.runtime.job import Job
from gmstudio.protocol.base import Event
from gmstudio.protocol.data import DataLoading

QUICK_S = 0.04
"""Time for which loading may hold the engine's loop before it becomes a job."""
REPORT_S = 0.1
"""Time between two reports of progress."""

Answer = Callable[[], Job | None]


class DataLoader:
    """Loads data sets for commands.

    Args:
        cache: keeps them.
        send: takes the events for the window.
    """

    def __init__(self, cache: DatasetCache, send: Callable[[Event], None]) -> None:
        self._cache = cache
        self._send = send

    def when_loaded(self, request: int, name: str, config: dict[str, Any], answer: Answer) -> Job | None:
        """Answer a command once its data set can be had from the cache without waiting.

        Args:
            request: number of the command.
            name: key of the data source.
            config: settings of the source.
            answer: answers, or returns a job; it loads the data set from the cache, which raises what is wrong with it.

        Returns:
            The job that loads and answers; what ``answer`` returns where the data set is there already.
        """
        pieces = self._cache.load_pieces(name, config)
        began = time.monotonic()
        for loading in pieces:
            if time.monotonic() - began > QUICK_S:
                return self._load(request, loading, pieces, answer)
        return answer()

    def _load(self, request: int, loading: Loading, pieces: Iterator[Loading], answer: Answer) -> Job:
        began = reported = time.monotonic()
        try:
            yield _report(request, loading, began)
            for _ in pieces:
                if time.monotonic() - reported > REPORT_S:
                    reported = time.monotonic()
                    yield _report(request, loading, began)
                else:
                    yield None
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
            self._send(DataLoading(request=request, load=loading.number, title=loading.title, over=True))
        job = answer()
        if job is not None:
            yield from job


def _report(request: int, loading: Loading, began: float) -> DataLoading:
    done, total = loading.progress.done, loading.progress.total
    seconds = time.monotonic() - began
    rate = done / seconds if seconds > REPORT_S else 0.0
    return DataLoading(
        request=request,
        load=loading.number,
        title=loading.title,
        done=done,
        total=total,
        rate=rate,
        seconds_left=(total - done) / rate if rate and total else -1.0,
    )

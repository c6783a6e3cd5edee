"""Answers to commands that need a data set: at once where it is kept or loads quickly, else by a job that loads it."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from gmstudio.data.progress import STAGE_TITLES
from gmstudio.engine.runtime.datasets import DatasetCache, Loading
from gmstudio.engine.runtime.job import Job
from gmstudio.engine.runtime.meter import Meter
from gmstudio.protocol.base import Event
from gmstudio.protocol.data import DataLoading

QUICK_S = 0.04
"""Time for which loading may hold the engine's loop before it becomes a job."""

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
        meter = Meter()
        try:
            yield _report(request, loading, meter)
            for _ in pieces:
                yield _report(request, loading, meter) if meter.due() else None
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
            self._send(DataLoading(request=request, load=loading.number, title=loading.title, over=True))
        job = answer()
        if job is not None:
            yield from job


def _report(request: int, loading: Loading, meter: Meter) -> DataLoading:
    progress = loading.progress
    pace = meter.pace(progress)
    return DataLoading(
        request=request,
        load=loading.number,
        title=loading.title,
        stage=STAGE_TITLES[progress.stage],
        done=progress.done,
        total=progress.total,
        rate=pace.rate,
        seconds_left=pace.seconds_left,
    )

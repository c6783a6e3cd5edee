"""Data sets that load slowly are loaded by a job in pieces: shared, cancelled, and answered afterwards."""

import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from gmstudio import data
from gmstudio.data import DataError, Dataset
from gmstudio.data.digits import Digits
from gmstudio.data.source import LoadProgress, Source
from gmstudio.engine.jobs import Jobs
from gmstudio.engine.runtime import loading, meter
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.datasets import DatasetCache, load_data
from gmstudio.protocol.base import Event
from gmstudio.protocol.data import BrowseData, DataLoading
from gmstudio.protocol.engine import CommandFailed, Done, Reason

PIECES = 5


class Slow(Source):
    """Digits in pieces; counts how often its loading began and ended early."""

    name, title, summary = "slow", "Slow digits", "Digits in pieces."
    started = ended = 0
    failure: Exception | None = None

    class Config(msgspec.Struct, frozen=True, kw_only=True):
        levels: int = 2

    @classmethod
    def load(cls, config: Any) -> Dataset:
        raise AssertionError("the whole is not loaded in one piece")

    @classmethod
    def load_pieces(cls, config: Any) -> Iterator[LoadProgress | Dataset]:
        cls.started += 1
        try:
            for done in range(PIECES):
                yield LoadProgress("load", done, PIECES)
        except GeneratorExit:
            cls.ended += 1
            raise
        if cls.failure is not None:
            raise cls.failure
        yield Digits.load(Digits.Config())


@pytest.fixture(autouse=True)
def slow(monkeypatch: pytest.MonkeyPatch) -> type[Slow]:
    monkeypatch.setitem(data.SOURCES, "slow", Slow)
    monkeypatch.setattr(loading, "QUICK_S", -1.0)
    monkeypatch.setattr(meter, "REPORT_S", 0.0)
    Slow.started = Slow.ended = 0
    Slow.failure = None
    return Slow


class Served:
    """Commands answered by a context and its jobs."""

    def __init__(self) -> None:
        self.sent: list[Event] = []
        self.context = EngineContext(self.sent.append)
        self.jobs = Jobs(self.sent.append)

    def ask(self, request: int) -> None:
        def answer() -> None:
            load_data(self.context.data, "slow", {})
            self.context.send(Done(request=request))

        job = self.context.when_data(request, "slow", {}, answer)
        if job is not None:
            self.jobs.add(BrowseData(request=request, data="slow", data_config={}), job)

    def finish(self) -> None:
        while self.jobs:
            self.jobs.advance()

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.sent if isinstance(event, kind)]


def test_a_loading_reports_its_progress_and_is_answered_at_the_end() -> None:
    served = Served()
    served.ask(1)
    assert served.jobs and not served.of(Done)
    served.finish()
    reports = served.of(DataLoading)
    assert [report.done for report in reports] == [0, 1, 2, 3, 4, 0]
    assert [report.over for report in reports] == [False] * PIECES + [True]
    assert {(report.title, report.request) for report in reports} == {("Slow digits", 1)}
    assert reports[1].total == PIECES and not reports[1].ends_request()
    assert served.sent[-1] == Done(request=1)


def test_kept_data_are_answered_at_once() -> None:
    served = Served()
    served.ask(1)
    served.finish()
    served.ask(2)
    assert not served.jobs and served.sent[-1] == Done(request=2)
    assert Slow.started == 1


def test_two_commands_share_a_loading_which_ends_with_the_last() -> None:
    served = Served()
    served.ask(1)
    served.ask(2)
    served.jobs.advance()
    served.jobs.advance()
    served.jobs.cancel(1)
    assert Slow.ended == 0
    served.finish()
    assert Slow.started == 1 and served.of(Done) == [Done(request=2)]
    assert {report.load for report in served.of(DataLoading)} == {1}
    (failed,) = served.of(CommandFailed)
    assert failed.reason is Reason.CANCELLED and failed.request == 1


def test_cancelling_every_command_ends_the_work_and_keeps_nothing() -> None:
    served = Served()
    served.ask(1)
    served.jobs.advance()
    served.jobs.cancel(1)
    assert Slow.ended == 1 and served.of(DataLoading)[-1].over
    served.ask(2)
    served.finish()
    assert Slow.started == 2 and served.of(Done) == [Done(request=2)]


def test_a_failure_reaches_every_command_and_is_tried_again_afterwards() -> None:
    Slow.failure = DataError("The files are damaged.")
    served, errors = Served(), []
    served.ask(1)
    served.ask(2)
    while served.jobs:
        try:
            served.jobs.advance()
        except Exception as error:
            errors.append(str(error))
    assert errors == ["The files are damaged."] * 2
    Slow.failure = None
    served.ask(3)
    served.finish()
    assert Slow.started == 2 and served.of(Done) == [Done(request=3)]


def test_a_failure_that_nobody_asked_about_does_not_last() -> None:
    Slow.failure = DataError("The files are damaged.")
    cache = DatasetCache()
    for _ in cache.load_pieces("slow", {}):
        pass
    Slow.failure = None
    for _ in cache.load_pieces("slow", {}):
        pass
    assert cache.load("slow", {}).source == "digits"


def test_a_source_of_files_without_pieces_is_read_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []

    class Files(Source):
        name, title, summary = "files", "Files", "Digits of a folder."

        class Config(msgspec.Struct, frozen=True, kw_only=True):
            folder: str = ""

        @classmethod
        def load(cls, config: Any) -> Dataset:
            threads.append(threading.current_thread().name)
            return Digits.load(Digits.Config())

    monkeypatch.setitem(data.SOURCES, "files", Files)
    cache = DatasetCache()
    assert all(piece.dataset is None for piece in cache.load_pieces("files", {"folder": "x"}))
    assert threads == ["in-background"]
    assert cache.load("files", {"folder": "x"}).source == "digits" and len(threads) == 1

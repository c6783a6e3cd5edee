"""Loggers beside a training, each in a thread of its own, so that no disk and no server can hold the training up.

A thread reads the run's history with a connection of its own, a few times a second, and copies what is new. After an
error it closes its logger and tries again later, from what it has missed: nothing is lost while a disk is full. The
place in the history is kept in the run's folder, so that a resumed run goes on there.
"""

import contextlib
import threading
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

import msgspec

from gmstudio.engine.training.loggers.logger import RunFacts, RunLogger
from gmstudio.engine.training.loggers.targets import Target, parse_targets
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunError
from gmstudio.runs.tail import Cursor, HistoryTail

PASS_SECONDS = 0.5
"""Least time between two passes."""
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 2.0, 60.0
"""Time until another try after an error; it doubles with each."""
END_SECONDS = 8.0
"""Time that all loggers together have for what is left when the training ends."""
PLACES = "loggers"
"""Folder in the run's for the places in its history."""


class _Kept(msgspec.Struct):
    """Content of the file about a target: the run's identity, and the place in its history."""

    identity: str
    cursor: Cursor


class _Opened(NamedTuple):
    """Things that a thread has open: the run for reading, its identity, the reader and the logger."""

    run: RunFolder
    identity: str
    tail: HistoryTail
    logger: RunLogger


class LiveLogger:
    """Logger of one target, in a thread that begins with the first ``notice``.

    Args:
        run: folder of the run.
        target: where it is logged.
        resumed_at: step from which the run is trained; what was logged of later steps will be replaced.
    """

    def __init__(self, run: Path, target: Target, resumed_at: int) -> None:
        self.target = target
        self._run, self._resumed_at = run, resumed_at
        self._kept_at = run / PLACES / f"{target.digest}.json"
        self._status = "running"
        self._news, self._closing = threading.Event(), threading.Event()
        self._problems: deque[str] = deque()  # filled in one thread, and emptied in another
        self._failing = False
        self._retry_s = FIRST_RETRY_SECONDS
        self._opened: _Opened | None = None
        self._thread = threading.Thread(target=self._work, name=f"logger {target.kind}", daemon=True)

    def notice(self) -> None:
        """Take note that the history has grown."""
        self._news.set()
        if self._thread.ident is None and not self._closing.is_set():
            self._thread.start()

    def problems(self) -> list[str]:
        """Take the sentences on errors since the last call."""
        return [self._problems.popleft() for _ in range(len(self._problems))]

    def finish(self, status: str) -> None:
        """Begin to log what is left, and to end."""
        self._status = status
        self._closing.set()
        self._news.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end after ``finish``; one that hangs is left behind, with a sentence."""
        if self._thread.ident is None:
            return
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._problems.append(
                f"Logging to {self.target} did not end within {END_SECONDS:g} s and was given up; export the run for "
                "what it lacks."
            )

    # ---- in the thread -----------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            closing = self._closing.is_set()
            waits = PASS_SECONDS if self._pass() else self._retry_s
            if closing:
                self._end(self._status)
                return
            self._closing.wait(waits)

    def _pass(self) -> bool:
        """Copy what is new; return whether that succeeded."""
        try:
            opened = self._opened = self._opened or self._open()
            if not opened.run.history.in_place:
                raise RunError(f"{opened.run.history.path} was deleted or replaced")
            read = False
            for batch in opened.tail.batches():
                opened.logger.write(batch)
                read = True
            if read:
                opened.logger.flush()
                self._keep(_Kept(opened.identity, opened.tail.cursor))
        except Exception as error:  # another program's code, disk or server; the training must go on
            self._fail(error)
            return False
        if self._failing:
            self._failing, self._retry_s = False, FIRST_RETRY_SECONDS
            self._problems.append(f"Logging to {self.target} works again; what was missed is there.")
        return True

    def _open(self) -> "_Opened":
        run = RunFolder.open(self._run)
        try:
            facts = RunFacts.of(run)
            cursor, logger = self._read_cursor(facts), self.target.logger(run.path, facts)
            since = min(cursor.complete_to, self._resumed_at)
            if since < 0:
                cursor = Cursor()
            elif logger.withdraws:
                cursor.back_to(since)
            opened = _Opened(run, facts.identity, HistoryTail(run, cursor), logger)
            logger.begin(facts, max(since, -1))
        except BaseException:
            run.close()
            raise
        self._resumed_at = run.record.training.steps  # from now on only an error leads back
        return opened

    def _read_cursor(self, facts: RunFacts) -> Cursor:
        """Read the place in the history; a file that is missing, damaged or of another run means its beginning."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            kept = msgspec.json.decode(self._kept_at.read_bytes(), type=_Kept)
            if kept.identity == facts.identity:
                return kept.cursor
        return Cursor()

    def _keep(self, kept: _Kept) -> None:
        self._kept_at.parent.mkdir(exist_ok=True)
        partial = self._kept_at.with_suffix(".writing")
        partial.write_bytes(msgspec.json.encode(kept))
        partial.replace(self._kept_at)

    def _fail(self, error: Exception) -> None:
        self._end("running")
        if not self._failing:
            self._problems.append(
                f"Logging to {self.target} failed: {_sentence(error)} Training goes on, and logging is tried again."
            )
        else:
            self._retry_s = min(2 * self._retry_s, LAST_RETRY_SECONDS)
        self._failing = True

    def _end(self, status: str) -> None:
        opened, self._opened = self._opened, None
        if opened is None:
            return
        try:
            opened.logger.end(status)
        except Exception as error:  # as above
            if not self._failing and status != "running":
                self._problems.append(f"Logging to {self.target} could not be ended properly: {_sentence(error)}")
        finally:
            opened.run.close()


class LiveLoggers:
    """All loggers of a run in training.

    Args:
        run: the run, open for writing.
        step: training steps made.
    """

    def __init__(self, run: RunFolder, step: int) -> None:
        self._run = run
        targets = parse_targets(run.record.training.log_to)
        self._loggers = [LiveLogger(run.path, target, step) for target in targets]

    def notice(self, step: int) -> list[str]:
        """Take note that the history has grown; return sentences on loggers that failed, which are in its log."""
        for logger in self._loggers:
            logger.notice()
        return self._log_problems(step)

    def close(self, status: str, step: int) -> list[str]:
        """End all loggers; return sentences like ``notice``."""
        for logger in self._loggers:
            logger.finish(status)
        deadline = time.monotonic() + END_SECONDS
        for logger in self._loggers:
            logger.join(max(0.0, deadline - time.monotonic()))
        problems = self._log_problems(step)
        self._loggers = []
        return problems

    def _log_problems(self, step: int) -> list[str]:
        problems = [sentence for logger in self._loggers for sentence in logger.problems()]
        with contextlib.suppress(RunError):  # a full disk: the sentences are still returned
            for sentence in problems:
                self._run.history.log(step, "logger", sentence)
        return problems


def _sentence(error: Exception) -> str:
    """The first line of an error, ending in a full stop."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = next(iter(text.strip().splitlines()), "") or type(error).__name__
    return line if line.endswith((".", "!")) else f"{line}."

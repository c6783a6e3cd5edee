"""A real engine process for tests: send commands, wait for events, never hang."""

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from forked_process import start

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import Catalog, CommandFailed
from gmstudio.protocol.frames import FrameReader, decode_event, frame

EventT = TypeVar("EventT", bound=Event)
TIMEOUT_S = 60.0
ENGINE = (sys.executable, "-m", "gmstudio.engine")


class EngineProcess:
    def __init__(self, home: Path, *, timeout_s: float = TIMEOUT_S, command: Sequence[str] = ENGINE) -> None:
        environment = {**os.environ, "GMSTUDIO_HOME": str(home), "OMP_NUM_THREADS": "1"}
        self.process = start(command, environment)
        self.home = home
        self.seen: list[Event] = []
        self._timeout_s = timeout_s
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._requests = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        try:
            self.catalog = self.wait(Catalog)
        except BaseException:
            self.close()
            raise

    def _read(self) -> None:
        assert self.process.stdout is not None
        reader = FrameReader()
        while data := os.read(self.process.stdout.fileno(), 1 << 16):
            for body in reader.feed(data):
                self._queue.put(decode_event(body))
        self._queue.put(None)

    def send(self, command: Command) -> int:
        assert self.process.stdin is not None
        self._requests += 1
        self.process.stdin.write(frame(msgspec.structs.replace(command, request=self._requests)))
        self.process.stdin.flush()
        return self._requests

    def wait(self, kind: type[EventT], accept: Callable[[EventT], bool] = lambda _: True) -> EventT:
        """The next event of a kind that is accepted; others are remembered in ``seen``."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                event = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                tail = [type(e).__name__ for e in self.seen[-8:]]
                raise AssertionError(f"no {kind.__name__} within {self._timeout_s} s; last seen: {tail}") from None
            if event is None:
                raise AssertionError(f"the engine ended: {self.stderr()}")
            self.seen.append(event)
            if isinstance(event, kind) and accept(event):
                return event

    def ask(self, command: Command, kind: type[EventT]) -> EventT:
        """Send a command and wait for the event of that kind which names it."""
        request = self.send(command)
        event = self.wait(Event, lambda event: event.request == request and isinstance(event, kind | CommandFailed))
        assert isinstance(event, kind), event
        return event

    def folder(self, run: str) -> Path:
        """The folder of a run of the engine's library."""
        return self.home / "runs" / run

    def stderr(self) -> str:
        self.process.wait(10)
        assert self.process.stderr is not None
        return self.process.stderr.read().decode(errors="replace")

    def close(self) -> int:
        """Close the window's end; the exit code."""
        assert self.process.stdin is not None
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait(10)
        self._thread.join(10)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        return code

    def __enter__(self) -> "EngineProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

"""The engine's loop: answer commands, then advance one job one piece.

Commands go first, so a slider or a pixel step waits for one piece of training at most. Everything long is a
generator: the short jobs that a person asked for (they take turns), then the one run in training.
"""

import contextlib
import signal
import sys
import time
import traceback
from collections import deque
from typing import Any

from gmstudio.engine.catalog import build_catalog
from gmstudio.engine.data.handlers import Prepare
from gmstudio.engine.latents.handlers import ExploreLatents
from gmstudio.engine.pixels.handlers import Explore
from gmstudio.engine.runs.handlers import Runs
from gmstudio.engine.runtime.context import EngineContext, Handlers, Pieces
from gmstudio.engine.runtime.device import choose_device, describe_device, memory_in_use
from gmstudio.engine.runtime.errors import error_sentence
from gmstudio.engine.training.handlers import Training
from gmstudio.engine.wire import Wire
from gmstudio.protocol.base import Command
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.engine import ChooseDevice, CommandFailed, Done, EngineReported, Shutdown
from gmstudio.protocol.latents import Decode
from gmstudio.protocol.pixels import AdvancePixels, PlacePixel, RewindPixels

REPORT_SECONDS = 0.5
GRACE_SECONDS = 0.003
FOLLOWED = (Decode, AdvancePixels, PlacePixel, RewindPixels)
"""Who sent one of these is likely to send another as soon as the answer is there: a slider is dragged, a walk plays.

Waiting a moment before the next piece of training is begun saves the follower waiting for all of it.
"""


class Server:
    """Serves one window.

    Args:
        wire: to the window.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._context = EngineContext(wire.send)
        self._jobs: deque[tuple[Command, Pieces]] = deque()
        self._ending = False
        self._grace_s = 0.0
        self._reported_at = 0.0
        runs = Runs(self._context)
        self._handlers: Handlers = {
            ChooseDevice: self._on_choose_device,
            Shutdown: self._on_shutdown,
            **Prepare(self._context).handlers,
            **runs.handlers,
            **Training(self._context, runs).handlers,
            **Explore(self._context).handlers,
            **ExploreLatents(self._context).handlers,
        }

    def serve(self) -> int:
        """Say hello and serve until the window goes or asks to end; whatever trains is kept.

        Returns:
            The exit code, 0 unless a checkpoint could not be written.
        """
        with contextlib.suppress(ValueError):  # signals belong to the main thread; tests serve from another
            signal.signal(signal.SIGTERM, lambda *_: self._wire.hang_up())
        self._wire.send(build_catalog(str(self._context.device)))
        self._report()
        while not self._ending:
            command = self._wire.receive(max(self._grace_s, self._wait_s()) if self._busy() else None)
            self._grace_s = 0.0
            if command is not None:
                self._handle(command)
                self._grace_s = GRACE_SECONDS if isinstance(command, FOLLOWED) else 0.0
            elif self._wire.closed:
                break
            else:
                self._advance()
        return self._end()

    def _busy(self) -> bool:
        return bool(self._jobs) or (self._context.training is not None and self._context.training.running)

    def _wait_s(self) -> float:
        """How long nothing is due: a training that was slowed down, and no job."""
        training = self._context.training
        return 0.0 if self._jobs or training is None else min(training.wait_s(), REPORT_SECONDS)

    def _handle(self, command: Command) -> None:
        before = self._state()
        try:
            pieces = self._handlers[type(command)](command)
        except Exception as error:
            self._fail(command, error)
        else:
            if pieces is not None:
                self._jobs.append((command, pieces))
        self._let_go_of_ended_training()
        if self._state() != before:
            self._report()

    def _let_go_of_ended_training(self) -> None:
        if self._context.training is not None and self._context.training.over:
            self._context.training = None

    def _advance(self) -> None:
        before = self._state()
        if self._jobs:
            self._advance_job()
        elif self._context.training is not None and self._context.training.wait_s() <= 0.0:
            self._advance_training()
        if self._state() != before or time.monotonic() - self._reported_at > REPORT_SECONDS:
            self._report()

    def _advance_job(self) -> None:
        command, pieces = self._jobs.popleft()
        try:
            event = next(pieces)
            if event is not None:
                self._wire.send(event)
        except StopIteration:
            return
        except Exception as error:
            self._fail(command, error)
            return
        self._jobs.append((command, pieces))

    def _advance_training(self) -> None:
        training = self._context.the_training()
        try:
            training.advance()
        except Exception:  # told to the window as the run's end; here for the log
            traceback.print_exc()
        self._let_go_of_ended_training()

    def _fail(self, command: Command, error: Exception) -> None:
        expected = isinstance(error, ValueError | OSError)
        detail = "" if expected else traceback.format_exc()
        if detail:
            print(detail, file=sys.stderr)
        self._wire.send(
            CommandFailed(
                request=command.request,
                command=type(command).__name__,
                message=error_sentence(error),
                fields=error.errors if isinstance(error, ConfigError) else {},
                detail=detail,
            )
        )

    def _end(self) -> int:
        code = 0
        if self._context.training is not None:
            try:
                self._context.training.stop()
            except Exception as error:  # whatever it is, the engine ends
                print(error_sentence(error), file=sys.stderr)
                code = 1
        self._wire.flush()
        return code

    def _on_choose_device(self, command: ChooseDevice) -> None:
        self._context.device = choose_device(command.device)
        self._context.models.clear()
        self._wire.send(Done(request=command.request))
        self._report()

    def _on_shutdown(self, command: Shutdown) -> None:
        self._ending = True
        self._wire.send(Done(request=command.request))

    def _state(self) -> str:
        training = self._context.training
        if training is not None and not training.over:
            return "training" if training.running else "paused"
        return "busy" if self._jobs else "idle"

    def _report(self) -> None:
        self._reported_at = time.monotonic()
        training = self._context.training
        device = self._context.device if training is None else training.model.device
        self._wire.send(
            EngineReported(
                state=self._state(),  # type: ignore[arg-type]
                device=describe_device(device),
                memory_bytes=memory_in_use(device),
                **self._progress(),
            )
        )

    def _progress(self) -> dict[str, Any]:
        if self._context.training is None:
            return {}
        progress = self._context.training.progress()
        return {
            "job": progress.title,
            "step": progress.step,
            "steps": progress.steps,
            "rate": progress.images_per_s,
            "rate_unit": "images/s",
            "seconds_left": progress.seconds_left,
        }

"""The real engine with faults on cue: losses that are not finite, memory that runs out, an accelerator that fails.

``python faulty_engine.py CUE``: while the file CUE exists, its JSON object says what fails: ``fault``, one of
``FAULTS``; ``in``: ``decode``, ``loss`` or the name of a phase; ``from`` a step on; ``above`` a number of images or
codes. The errors are those that torch raises on CUDA, so that what follows from them is tested without a GPU. With
``metrics`` each step has ``above`` more curves; with ``clock`` the time of day is ``above`` seconds off; with
``disk full`` nothing is added to a history.
"""

import json
import math
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

OUT_OF_MEMORY = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 7.79 GiB."
DEVICE = "CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported."
FAULTS = ("nan", "inf", "out of memory", "device", "metrics", "clock", "disk full")


def command(cue: Path) -> list[str]:
    """The command line of the engine."""
    return [sys.executable, str(Path(__file__)), str(cue)]


def give_cue(cue: Path, fault: str, place: str, *, start: int = 0, above: int = 0) -> None:
    """Have something fail from now on, until the file is deleted.

    Args:
        cue: the file of the engine.
        fault: one of ``FAULTS``.
        place: ``decode``, ``loss`` or the name of a phase.
        start: step from which on it fails.
        above: number of images or codes above which it fails; number of curves, or of seconds.
    """
    assert fault in FAULTS
    new = cue.with_suffix(".new")
    new.write_text(json.dumps({"fault": fault, "in": place, "from": start, "above": above}), encoding="utf-8")
    new.replace(cue)


class Stage:
    """Replaces what can fail.

    Args:
        cue: file that says what fails.
    """

    def __init__(self, cue: Path) -> None:
        self._cue, self._step = cue, 0
        self._replace_steps()
        self._replace_clock()
        self._replace_disk()

    def _replace_steps(self) -> None:
        from gmstudio.engine.training import step
        from gmstudio.families.variational.vae import VAE

        update, loss, decode = step.TrainStep._update, step.phase_loss, VAE.decode

        def faulty_update(steps: Any, optimizer: Any, given: Any) -> Any:
            self._step = given.step + 1
            return update(steps, optimizer, given)

        def faulty_loss(phase: Any, batch: Any, *args: Any) -> Any:
            factor = self._loss_factor(phase.name, len(batch))
            terms = loss(phase, batch, *args)
            if factor != 1.0:
                return {**terms, "loss": terms["loss"] * factor}
            more = self._cued("metrics").get("above", 0)
            return {**terms, **{f"m{number:03}": terms["loss"].detach() + number for number in range(more)}}

        def faulty_decode(model: Any, codes: Any) -> Any:
            cue = self._read()
            if cue.get("in") == "decode" and len(codes) > cue["above"]:
                _raise(cue["fault"])
            return decode(model, codes)

        patch.object(step.TrainStep, "_update", faulty_update).start()
        patch.object(step, "phase_loss", faulty_loss).start()
        patch.object(VAE, "decode", faulty_decode).start()

    def _replace_clock(self) -> None:
        from gmstudio.runs import record

        real_time = time.time

        def now_iso() -> str:
            return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")

        patch.object(time, "time", lambda: real_time() + self._cued("clock").get("above", 0)).start()
        patch.object(record, "now_iso", now_iso).start()

    def _replace_disk(self) -> None:
        from gmstudio.runs.history import History
        from gmstudio.runs.record import DiskFullError

        append = History.append

        def faulty_append(history: Any, *args: Any, **rows: Any) -> None:
            if self._cued("disk full"):
                raise DiskFullError("history.sqlite could not be written: the disk is full. Free some space.")
            append(history, *args, **rows)

        patch.object(History, "append", faulty_append).start()

    def _read(self) -> dict[str, Any]:
        try:
            cue: dict[str, Any] = json.loads(self._cue.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return cue

    def _cued(self, fault: str) -> dict[str, Any]:
        """The cue, if it is for this fault; else an empty one."""
        cue = self._read()
        return cue if cue.get("fault") == fault else {}

    def _loss_factor(self, phase: str, count: int) -> float:
        """What a loss is multiplied with, unless an error is due."""
        cue = self._read()
        due = cue and cue["in"] in ("loss", phase) and count > cue["above"] and self._step >= cue["from"]
        if not due or cue["fault"] not in ("nan", "inf", "out of memory", "device"):
            return 1.0
        if cue["fault"] in ("nan", "inf"):
            return math.nan if cue["fault"] == "nan" else math.inf
        return _raise(cue["fault"])


def _raise(fault: str) -> float:
    """Raise what torch raises on a GPU."""
    import torch

    if fault == "out of memory":
        raise torch.OutOfMemoryError(OUT_OF_MEMORY)
    raise torch.AcceleratorError(DEVICE)


def main() -> int:
    """Serve until the window is gone."""
    import gmstudio.engine.__main__ as engine
    from gmstudio.engine.server import Server

    serve = Server.serve

    def serve_faulty(server: Server) -> int:
        Stage(Path(sys.argv[1]))  # only now: standard output is kept for frames from the beginning
        return serve(server)

    with patch.object(Server, "serve", serve_faulty):
        return engine.main()


if __name__ == "__main__":
    sys.exit(main())

"""The real engine with faults on cue: losses that are not finite, memory that runs out, an accelerator that fails.

``python faulty_engine.py CUE``: while the file CUE exists, its JSON object says what fails: ``fault``, one of
``FAULTS``; ``in``, ``decode`` or the name of a phase of the training; ``from`` a step on; ``above`` a number of images
or codes. The errors are those that torch raises on CUDA, so that what follows from them is tested without a GPU.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

OUT_OF_MEMORY = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 7.79 GiB."
DEVICE = "CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported."
FAULTS = ("nan", "inf", "out of memory", "device")


def command(cue: Path) -> list[str]:
    """The command line of the engine."""
    return [sys.executable, str(Path(__file__)), str(cue)]


def give_cue(cue: Path, fault: str, place: str, *, start: int = 0, above: int = 0) -> None:
    """Have something fail from now on, until the file is deleted."""
    assert fault in FAULTS
    new = cue.with_suffix(".new")
    new.write_text(json.dumps({"fault": fault, "in": place, "from": start, "above": above}), encoding="utf-8")
    new.replace(cue)


class Stage:
    """Replaces what can fail."""

    def __init__(self, cue: Path) -> None:
        import torch

        from gmstudio.engine.training import step
        from gmstudio.families import FAMILIES

        self._torch, self._cue, self._made = torch, cue, 0
        update, loss, decode = step.TrainStep._update, step.phase_loss, FAMILIES["vae"].decode

        def faulty_update(steps: Any, optimizer: Any, given: Any) -> Any:
            self._made = given.step
            return update(steps, optimizer, given)

        def faulty_loss(phase: Any, batch: Any, *args: Any) -> Any:
            factor = self.factor(phase.name, len(batch), self._made + 1)
            terms = loss(phase, batch, *args)
            return terms if factor == 1.0 else {**terms, "loss": terms["loss"] * factor}

        def faulty_decode(model: Any, codes: Any) -> Any:
            self.factor("decode", len(codes), 0)
            return decode(model, codes)

        step.TrainStep._update = faulty_update  # type: ignore[method-assign]
        step.phase_loss = faulty_loss
        FAMILIES["vae"].decode = faulty_decode  # type: ignore[method-assign,attr-defined]

    def factor(self, place: str, count: int, step: int) -> float:
        """What a loss is multiplied with, unless an error is due."""
        try:
            cue = json.loads(self._cue.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return 1.0
        if cue["in"] not in (place, "" if place == "decode" else "loss") or count <= cue["above"] or step < cue["from"]:
            return 1.0
        if cue["fault"] == "out of memory":
            raise self._torch.OutOfMemoryError(OUT_OF_MEMORY)
        if cue["fault"] == "device":
            raise self._torch.AcceleratorError(DEVICE)
        return math.nan if cue["fault"] == "nan" else math.inf


def main() -> int:
    import gmstudio.engine.__main__ as engine
    from gmstudio.engine.server import Server

    serve = Server.serve

    def serve_faulty(server: Server) -> int:
        Stage(Path(sys.argv[1]))  # only now: standard output is kept for frames from the beginning
        return serve(server)

    Server.serve = serve_faulty  # type: ignore[method-assign]
    return engine.main()


if __name__ == "__main__":
    sys.exit(main())

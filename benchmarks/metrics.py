"""Ten thousand metrics a second: what recording them takes of a training, and how often the window is free to paint.

The metrics are constants of each step, so that only their recording counts: on the device, in the history, on their way
to the window, and in its curves.
"""

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.soak import faulty_engine
from benchmarks.soak.monitor import Monitor
from benchmarks.window import environment, opened_on, run_events, wait_until
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training import PaceTraining, StartTraining, StopTraining
from gmstudio.runs.folder import RunFolder
from gmstudio.window.state.training.state import TrainingState

FAMILY, DATA = "vae", "digits"
SLOWED_DATA = "mnist"
NEVER = 1_000_000
CURVES, STEPS_PER_S = 160, 63
"""Of the run in the window: 10,080 metrics a second."""
BLOCK = 100
"""Steps with the metrics, and then as many without."""
WARM_UP = 300
LEAST_PAIRS = 3


def measure(rate: int = 10_000, seconds: float = 20.0) -> dict[str, Any]:
    """Measure both.

    Args:
        rate: metrics a second of the training whose slowing down is measured.
        seconds: processor time of that training, and duration of the one in the window.

    Returns:
        ``slowed_share``, the processor time that metrics at this rate take of a training, its standard error, and
        ``curves``, their number at each step; ``window_fps``, how often a second the window is free to paint while
        metrics arrive, the least of the seconds; ``lost``, the number of points that are missing in the window or on
        the disk.
    """
    found: dict[str, Any] = {"benchmark": "metrics", "rate": rate}
    return found | _slowing(rate, seconds) | _shown(seconds)


def _training() -> dict[str, Any]:
    return {"steps": NEVER, "batch_size": 64, "num_samples": 1} | dict.fromkeys(
        ("validate_every", "sample_every", "checkpoint_every"), NEVER
    )


def _slowing(rate: int, seconds: float) -> dict[str, Any]:
    """Train on one thread, some steps with the metrics and then as many without, in turn."""
    import torch

    from gmstudio.engine.runtime.datasets import DatasetCache
    from gmstudio.engine.training import step
    from gmstudio.engine.training.job import start_training
    from gmstudio.engine.training.plan import plan_run

    threads, cpu = torch.get_num_threads(), torch.device("cpu")
    torch.set_num_threads(1)
    more: dict[str, torch.Tensor] = {}
    loss = step.phase_loss
    shares = list[float]()
    spec = RunSpec(family=FAMILY, data=SLOWED_DATA, data_config={"levels": 2}, training=_training())
    with (
        TemporaryDirectory() as folder,
        environment(GMSTUDIO_HOME=folder),
        patch.object(step, "phase_loss", lambda *given: {**loss(*given), **more}),
    ):
        job = start_training(plan_run(DatasetCache(), spec, cpu), "", cpu, lambda _event: None)

        def taken(count: int) -> float:
            began, end = time.process_time(), job.step + count
            while job.running and job.step < end:
                job.advance()
            return time.process_time() - began

        taken(WARM_UP)
        curves = max(1, round(rate * taken(BLOCK) / BLOCK))
        spent_s = 0.0
        while spent_s < seconds or len(shares) < LEAST_PAIRS:
            more |= {f"m{number:03}": torch.tensor(float(number)) for number in range(curves)}
            with_them = taken(BLOCK)
            job.flush()
            more.clear()
            without = taken(BLOCK)
            spent_s += with_them + without
            shares.append(with_them / without - 1)
        job.stop()
    torch.set_num_threads(threads)
    return {
        "curves": curves,
        "slowed_share": round(statistics.median(shares), 4),
        "slowed_share_error": round(1.25 * statistics.stdev(shares) / len(shares) ** 0.5, 4),
        "pairs": len(shares),
    }


def _shown(seconds: float) -> dict[str, Any]:
    """Show a training with many curves in the real window with its real engine."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        with opened_on(home, 1366, 768, panel="train", command=faulty_engine.command(home / "cue")) as (_, studio):
            faulty_engine.give_cue(home / "cue", "metrics", "", above=CURVES)
            config = {"num_latent": 4, "num_hidden": 16}
            training = _training() | {"batch_size": 16}
            spec = RunSpec(family=FAMILY, config=config, data=DATA, data_config={"levels": 2}, training=training)
            studio.client.send(StartTraining(spec=spec))
            studio.client.send(PaceTraining(steps_per_s=STEPS_PER_S))
            curves = studio.state(TrainingState)
            wait_until(lambda: curves.history(curves.live).last_step() > STEPS_PER_S, "the first steps")
            run, before, monitor = curves.live, curves.history(curves.live).last_step(), Monitor()
            run_events(seconds)
            monitor.close()
            made = curves.history(run).last_step() - before
            studio.client.send(StopTraining())
            wait_until(lambda: not studio.library.live, "the end of the training")
            history = curves.history(run)
        with RunFolder.open(home / "runs" / run) as kept:
            stored, last = kept.history.read_scalars(), kept.record.step
        every, lost = np.arange(1, last + 1), 0
        for number in range(CURVES):
            steps, curve = stored["train", f"m{number:03}"][0], history.curve("train", f"m{number:03}")
            lost += len(np.setdiff1d(every, steps)) + len(np.setdiff1d(every, [] if curve is None else curve.steps))
    return {"window_fps": round(monitor.rate_hz(), 1), "shown_a_second": round(CURVES * made / seconds), "lost": lost}

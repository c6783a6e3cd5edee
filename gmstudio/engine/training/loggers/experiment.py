"""Services with the functions ``init``, ``log`` and ``finish`` of ``wandb``: Weights & Biases and trackio alike.

Both work offline: trackio keeps a database on this computer, and ``wandb`` writes a folder that ``wandb sync`` sends
later, unless ``WANDB_MODE`` says otherwise. Entries of the run's log are not sent: there is no shape for them.
"""

import importlib
import itertools
import os
from typing import Any, ClassVar

from gmstudio.engine.training.loggers.logger import RunFacts, RunLogger
from gmstudio.engine.training.loggers.pictures import picture_of
from gmstudio.runs.tail import Batch

PACKAGES = ("wandb", "trackio")


class ExperimentLogger(RunLogger):
    """Logger of one run in a project of a service.

    Args:
        package: one of ``PACKAGES``, imported when the run begins.
        project: name of the project.
    """

    withdraws: ClassVar[bool] = False

    def __init__(self, package: str, project: str) -> None:
        self._package, self._project = package, project
        self._module: Any = None

    def begin(self, facts: RunFacts, since: int) -> None:
        """Begin the run in the service, or continue it."""
        module = importlib.import_module(self._package)
        options: dict[str, Any] = {"project": self._project, "name": facts.name, "config": dict(facts.settings)}
        if self._package == "wandb":
            options |= {"id": facts.identity, "mode": os.environ.get("WANDB_MODE", "offline")}
        else:
            options |= {"embed": False, "auto_log_gpu": False, "auto_log_cpu": False}
        module.init(resume="allow", **options)
        self._module = module

    def write(self, batch: Batch) -> None:
        """Log the numbers of each step, and the saved images of a step with them."""
        images = {step: list(some) for step, some in itertools.groupby(batch.grids, lambda one: one.grid.step)}
        values: dict[int, dict[str, Any]] = {step: {} for step in images}
        for point in batch.points:
            values.setdefault(point.step, {})[point.key] = point.value
        for step in sorted(values):
            for one in images.get(step, ()):
                picture = picture_of(one.grid)
                coloured = picture.repeat(3, axis=2) if picture.shape[2] == 1 else picture
                values[step][one.grid.kind] = self._module.Image(coloured, caption=f"step {step}")
            self._module.log(values[step], step=step)

    def flush(self) -> None:
        """Do nothing: the service sends by itself."""

    def end(self, status: str) -> None:
        """Finish the run in the service."""
        if self._module is not None:
            module, self._module = self._module, None
            module.finish()

"""Parts in their order, and the run of one: what is measured is kept, and a failure is kept as a result."""

import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.gpu import measurements, processes
from benchmarks.gpu.measurements import Effort, Measurement
from benchmarks.gpu.results import Result, Results

PARTS: dict[str, Callable[[Effort], Iterator[Measurement]]] = {
    "tests": processes.tests,
    "training": measurements.training,
    "sampling": measurements.sampling,
    "stepping": measurements.stepping,
    "slider": measurements.slider,
    "ddp": processes.ddp,
}
BUDGET_S = 430.0
"""Time after which a part begins no other measurement."""


@dataclass(frozen=True)
class Ended:
    """How the run of a part ended.

    Args:
        part: key in ``PARTS``.
        kept: measurements that are there now.
        wanted: measurements of the part.
        failures: names of those that failed.
    """

    part: str
    kept: int
    wanted: int
    failures: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Everything was measured, and nothing failed."""
        return self.kept == self.wanted and not self.failures

    def sentence(self) -> str:
        """Say how far the part is and what to do."""
        text = f"{self.part}: {self.kept} of {self.wanted} measured."
        if self.kept < self.wanted:
            text += " The time of a part is over; run it again, and it goes on."
        if self.failures:
            text += f" Failed: {', '.join(self.failures)}; run it again, and these are measured anew."
        return text


def run_part(
    part: str, effort: Effort, results: Results, say: Callable[[str], None], budget_s: float = BUDGET_S
) -> Ended:
    """Measure what is not there yet, or failed, until the time is over.

    Args:
        part: key in ``PARTS``.
        effort: what is measured.
        results: keep it.
        say: takes a line for each measurement.
        budget_s: seconds after which no other measurement begins.
    """
    began = time.monotonic()
    wanted = list(PARTS[part](effort))
    for measurement in wanted:
        there = results.of(part).get(measurement.name)
        if there is not None and not failed(there):
            continue
        if time.monotonic() - began > budget_s:
            break
        say(f"{part}: {measurement.name}")
        try:
            result = measurement.run()
        except Exception as error:  # a family that fails on a device is a finding; the others are measured all the same
            traceback.print_exc()
            result = {"error": f"{type(error).__name__}: {error}"}
        results.keep(part, measurement.name, result)
    found = {name: result for name, result in results.of(part).items() if name in {one.name for one in wanted}}
    failures = tuple(name for name, result in found.items() if failed(result))
    return Ended(part, len(found), len(wanted), failures)


def failed(result: Result) -> bool:
    """Whether a measurement, or one of its tests, failed."""
    return "error" in result or bool(result.get("failed"))

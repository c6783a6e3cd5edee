"""Subject of scoring: a model with what statistics need besides."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gmstudio.data.dataset import Dataset
from gmstudio.families.base import Family
from gmstudio.protocol.density import StatisticSettings
from gmstudio.runs.record import RunRecord


@dataclass(frozen=True, eq=False)
class Subject:
    """Model that scores images.

    Args:
        run: name of the run.
        model: with weights that do not change while it scores.
        weights: SHA-256 of the weights, in hexadecimal digits.
        step: training step of the weights.
        record: record of the run.
        dataset: loads the run's data, for statistics that compare with training images.
        others: further models by the path of their run: the background model, the members of an ensemble.
    """

    run: str
    model: Family
    weights: str
    step: int
    record: RunRecord
    dataset: Callable[[], Dataset]
    others: dict[str, "Subject"] = field(default_factory=dict)

    def background(self, settings: StatisticSettings) -> "Subject | None":
        """Return the background model that the settings name, loaded beforehand; None: there is none."""
        return self.others.get(settings.background)

    def ensemble(self, settings: StatisticSettings) -> tuple["Subject", ...]:
        """Return the members of the ensemble, this subject first."""
        return (self, *(self.others[run] for run in settings.ensemble if run != self.run and run in self.others))

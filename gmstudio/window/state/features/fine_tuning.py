"""Fine-tuning page: three classifiers on one choice of labels, while they are trained."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.features import WorkProgress
from gmstudio.protocol.features_fine_tuning import FineTune, FineTuneCurve, FineTuned, TuningKind
from gmstudio.window.client.request import Request
from gmstudio.window.state.features.state import FeaturesState

CLASSIFIERS: tuple[TuningKind, ...] = ("fine-tuned", "frozen", "scratch")
"""In the order of their curves and rows."""
LABEL_COUNTS = (1, 5, 10, 50, 100, 0)
"""Labelled images a class; 0: all."""


@dataclass(frozen=True)
class FineTuneSettings:
    """Settings of the classifiers.

    Args:
        labels_per_class: labelled images a class; 0: all.
        steps: of each classifier.
        learning_rate: of Adam.
        num_seeds: choices of labels and initial weights.
    """

    labels_per_class: int = 10
    steps: int = 200
    learning_rate: float = 1e-3
    num_seeds: int = 3


class FineTuningState(QObject):
    """Settings and curves, of the features that are chosen on top of the panel.

    Args:
        owner: state of the panel.

    Attributes:
        settings: for the next training.
        found: newest reply; None: there is none.
        problem: sentence on why the newest training failed; empty: it did not.

    Signals:
        changed: curves, progress, settings or ``problem`` changed.
    """

    changed = Signal()

    def __init__(self, owner: FeaturesState) -> None:
        super().__init__(owner)
        self._owner = owner
        self.settings = FineTuneSettings()
        self.found: FineTuned | None = None
        self.problem = ""
        self._request = Request(owner.link, self)
        self._request.replied.connect(self._on_replied)
        self._request.failed.connect(self._on_failed)
        self._request.dropped.connect(self.changed)
        self._request.loading_changed.connect(self.changed)
        owner.edits.add_part("fine_tuning", lambda: (self.settings,), lambda part: self._set_settings(part[0]))
        owner.run_changed.connect(self._on_run_changed)
        owner.space_changed.connect(self.changed)
        owner.layers.changed.connect(self.changed)

    @property
    def running(self) -> bool:
        """Classifiers are being trained."""
        return self._request.busy

    @property
    def progress(self) -> WorkProgress | None:
        """Progress of the training; None: nothing is trained."""
        if not self.running:
            return None
        return WorkProgress(stage="Starting", share=0.0) if self.found is None else self.found.progress

    @property
    def steps(self) -> int:
        """Steps of the classifiers on display; those of the settings before there are any."""
        command = self._request.command
        return command.steps if self.found is not None and isinstance(command, FineTune) else self.settings.steps

    @property
    def share(self) -> float:
        """Share of the training that is done, 0 to 1."""
        return max(self.progress.share, 0.0) if self.progress is not None else 0.0

    @property
    def loading(self) -> DataLoading | None:
        """Loading of the data that the training waits for."""
        return self._request.loading

    @property
    def obstacle(self) -> str:
        """Sentence on why the chosen features cannot be fine-tuned; empty: they can."""
        space, layer = self._owner.space, self._owner.layers.of(self._owner.space)
        if not self._owner.run:
            return "Choose a model first."
        if not space.run:
            return "Pixels and PCA have no encoder to be trained further; choose a layer of the model."
        if layer is not None and not layer.differentiable:
            return f"{layer.title} has no gradient, so it cannot be trained further; choose another layer."
        return ""

    def set_settings(self, **values: Any) -> None:
        """Change some of the settings."""
        with self._owner.edits.recording("Fine-tuning settings"):
            self._set_settings(replace(self.settings, **values))

    def start(self) -> None:
        """Train the classifiers."""
        if self.obstacle:
            return
        self.found, self.problem = None, ""
        settings = self.settings
        command = FineTune(
            space=self._owner.space,
            run=self._owner.run,
            labels_per_class=settings.labels_per_class,
            steps=settings.steps,
            learning_rate=settings.learning_rate,
            num_seeds=settings.num_seeds,
        )
        self._request.replace(command)
        self.changed.emit()

    def stop(self) -> None:
        """End the training; the curves so far stay."""
        self._request.cancel()
        self.changed.emit()

    def curve(self, kind: TuningKind) -> FineTuneCurve | None:
        """Return the curves of a kind of classifier; None where it has not begun."""
        curves = () if self.found is None else self.found.curves
        return next((curve for curve in curves if curve.kind == kind), None)

    def final(self, kind: TuningKind) -> NDArray[np.float64]:
        """Return the last test accuracy of each seed that has one, (n,)."""
        curve = self.curve(kind)
        if curve is None:
            return np.zeros(0)
        last = [row[np.isfinite(row)][-1:] for row in curve.accuracies.numpy()]
        return np.concatenate([np.zeros(0), *last])

    def _set_settings(self, settings: FineTuneSettings) -> None:
        if settings != self.settings:
            self.settings = settings
            self.changed.emit()

    def _on_replied(self, event: FineTuned) -> None:
        self.found = event
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self.problem = "" if failure.reason is Reason.ENGINE_GONE else failure.message
        self.changed.emit()

    def _on_run_changed(self) -> None:
        """Leave the curves of another run."""
        self._request.cancel()
        self.found, self.problem = None, ""
        self.changed.emit()

"""Probes of several spaces of features with the same labels: accuracies, and which images are confused."""

from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.features import FeatureSpace, FeaturesProbed, ProbeFeatures, ProbeResult, WorkProgress
from gmstudio.window.client.request import Request
from gmstudio.window.state.features.state import FeaturesState

LABEL_COUNTS = (1, 5, 10, 50, 100, 0)
"""Labelled images a class; 0: all."""
MAX_SEEDS, MAX_NEIGHBOURS = 50, 100


@dataclass(frozen=True)
class ProbeSettings:
    """Settings of all probes.

    Args:
        labels_per_class: numbers of labelled images a class, rising; 0, which means all, comes last.
        num_seeds: choices of the labelled images.
        neighbours: k.
        seed: of the choices.
    """

    labels_per_class: tuple[int, ...] = LABEL_COUNTS
    num_seeds: int = 5
    neighbours: int = 5
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Probed:
    """What is known of one space.

    Args:
        settings: with which it was probed.
        found: the newest reply; None: there is none yet.
        problem: sentence on why there is no reply.
    """

    settings: ProbeSettings
    found: FeaturesProbed | None = None
    problem: str = ""


class ProbeState(QObject):
    """Probes of the chosen space and of those it is compared with, one after the other.

    Args:
        owner: state of the panel.

    Attributes:
        settings: for the next probes.
        results: by space.
        cell: space and number of labels whose confusions are shown; None: none.
        progress: of the probe that is running; None: none is.

    Signals:
        changed: spaces, results or progress changed.
        settings_changed: ``settings`` changed.
        cell_changed: ``cell`` changed.
    """

    changed = Signal()
    settings_changed = Signal()
    cell_changed = Signal()

    def __init__(self, owner: FeaturesState) -> None:
        super().__init__(owner)
        self._owner = owner
        self.settings = ProbeSettings()
        self.results: dict[FeatureSpace, Probed] = {}
        self.cell: tuple[FeatureSpace, int] | None = None
        self.progress: WorkProgress | None = None
        self._queue: list[FeatureSpace] = []
        self._asked = 0
        self._data: bytes = b""
        self._request = Request(owner.link, self)
        self._request.replied.connect(self._on_replied)
        self._request.failed.connect(self._on_failed)
        self._request.dropped.connect(self._on_dropped)
        self._request.loading_changed.connect(self.changed)
        owner.edits.add_part("probe", lambda: (self.settings,), lambda part: self._set_settings(part[0]))
        owner.run_changed.connect(self._on_run_changed)
        owner.space_changed.connect(self._on_spaces_changed)
        owner.compared_changed.connect(self._on_spaces_changed)
        self._on_run_changed()

    # ---- what is probed ----------------------------------------------------------------------------------------

    @property
    def spaces(self) -> tuple[FeatureSpace, ...]:
        """The chosen space first, then those it is compared with."""
        return (self._owner.space, *(space for space in self._owner.compared if space != self._owner.space))

    @property
    def running(self) -> bool:
        """Probes are being computed."""
        return self._request.busy

    @property
    def loading(self) -> DataLoading | None:
        """Loading of the data that the probe waits for."""
        return self._request.loading

    @property
    def probing(self) -> FeatureSpace | None:
        """Space that is being probed."""
        command = self._request.command
        return command.space if self.running and isinstance(command, ProbeFeatures) else None

    @property
    def share(self) -> float:
        """Share of all the work that was asked for that is done, 0 to 1."""
        if not self.running or not self._asked:
            return 0.0
        done = self._asked - len(self._queue) - 1
        return (done + max(self.progress.share if self.progress else 0.0, 0.0)) / self._asked

    def set_settings(self, **values: Any) -> None:
        """Change some of the settings."""
        with self._owner.edits.recording("Probe settings"):
            self._set_settings(replace(self.settings, **values))

    def start(self) -> None:
        """Probe the spaces that have no results with these settings; where all have, probe all again."""
        if not self._owner.run or not self.settings.labels_per_class:
            return
        due = [space for space in self.spaces if not self.is_complete(space)]
        self._queue = due or list(self.spaces)
        self._asked = len(self._queue)
        self._next()

    def stop(self) -> None:
        """End the probes; what was found stays."""
        self._queue.clear()
        self._request.cancel()
        self.progress = None
        self.changed.emit()

    def is_complete(self, space: FeatureSpace) -> bool:
        """Return whether a space was probed to the end with the present settings."""
        probed = self.results.get(space)
        return (
            probed is not None and probed.settings == self.settings and probed.found is not None and probed.found.done
        )

    def other_settings(self, settings: ProbeSettings) -> str:
        """Sentence on how the settings of results differ from the present ones; empty: their numbers compare."""
        now = self.settings
        if (settings.num_seeds, settings.neighbours, settings.seed) == (now.num_seeds, now.neighbours, now.seed):
            return ""
        return f"Of other settings than chosen: seeds {settings.num_seeds}, neighbours {settings.neighbours}."

    # ---- what was found ----------------------------------------------------------------------------------------

    def result(self, space: FeatureSpace, labels_per_class: int) -> ProbeResult | None:
        """Return accuracies of a space with a number of labels; None where there are none yet."""
        probed = self.results.get(space)
        results = probed.found.results if probed is not None and probed.found is not None else ()
        return next((result for result in results if result.labels_per_class == labels_per_class), None)

    def choose_cell(self, space: FeatureSpace, labels_per_class: int) -> None:
        """Show the confusions of a space with a number of labels."""
        if (space, labels_per_class) != self.cell:
            self.cell = (space, labels_per_class)
            self.cell_changed.emit()

    def confusion(self) -> NDArray[np.int64] | None:
        """Numbers of test images by label and prediction, (C, C), of the chosen cell; None: there are none."""
        found = self._of_cell()
        if found is None:
            return None
        labels, predicted, names, _indices = found
        counts = np.zeros((len(names), len(names)), np.int64)
        np.add.at(counts, (labels, predicted), 1)
        return counts

    def class_names(self) -> tuple[str, ...]:
        """Names of the classes of the confusions."""
        found = self._of_cell()
        return () if found is None else found[2]

    def confused(self, label: int, predicted: int) -> NDArray[np.int64]:
        """Numbers, in the test images, of those of a label for which another was predicted."""
        found = self._of_cell()
        if found is None:
            return np.zeros(0, np.int64)
        labels, predictions, _names, indices = found
        return np.asarray(indices[(labels == label) & (predictions == predicted)], dtype=np.int64)

    def _of_cell(self) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...], NDArray[np.int64]] | None:
        """Labels, predictions, names of the classes, and numbers of the test images, of the chosen cell."""
        result = None if self.cell is None else self.result(*self.cell)
        if self.cell is None or result is None:
            return None
        found = self.results[self.cell[0]].found
        assert found is not None
        labels, predicted = found.test_labels.numpy(), result.predicted.numpy()
        if not len(predicted):
            return None
        count = int(max(labels.max(), predicted.max())) + 1
        names = tuple(found.label_names[k] if k < len(found.label_names) else str(k) for k in range(count))
        return labels, predicted, names, found.test_indices.numpy()

    # ---- engine ------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        if not self._queue:
            self.progress = None
            self.changed.emit()
            return
        space, settings = self._queue.pop(0), self.settings
        self.results[space] = Probed(settings)
        self.progress = WorkProgress(stage="Starting", share=0.0)
        self._request.send(
            ProbeFeatures(
                space=space,
                run=self._owner.run,
                labels_per_class=settings.labels_per_class,
                num_seeds=settings.num_seeds,
                neighbours=settings.neighbours,
                seed=settings.seed,
            )
        )
        self.changed.emit()

    def _on_replied(self, event: FeaturesProbed) -> None:
        probed = self.results.get(event.space)
        if probed is not None:
            self.results[event.space] = Probed(probed.settings, event)
        self.progress = event.progress
        if self.cell is None and event.results:
            self.cell = (event.space, event.results[-1].labels_per_class)
            self.cell_changed.emit()
        elif self.cell is not None and self.cell[0] == event.space:
            self.cell_changed.emit()
        if event.done:
            self._next()
        else:
            self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        command = self._request.command
        assert isinstance(command, ProbeFeatures)
        if failure.reason is Reason.ENGINE_GONE:
            self._on_dropped()
            return
        self.results[command.space] = Probed(self.settings, problem=failure.message)
        self._next()

    def _on_dropped(self) -> None:
        self._queue.clear()
        self.progress = None
        self.changed.emit()

    def _on_run_changed(self) -> None:
        """Drop the results where the other run has other data."""
        info = self._owner.library.info(self._owner.run)
        data = b"" if info is None else msgspec.json.encode((info.spec.data, info.spec.data_config, str(info.image)))
        if data != self._data:
            self.stop()
            self._data = data
            self.results.clear()
            self.cell = None
            self.cell_changed.emit()
        self.changed.emit()

    def _on_spaces_changed(self) -> None:
        shown = self.spaces
        if self.cell is not None and self.cell[0] not in shown:
            self.cell = None
            self.cell_changed.emit()
        self.changed.emit()

    def _set_settings(self, settings: ProbeSettings) -> None:
        if settings != self.settings:
            self.settings = settings
            self.settings_changed.emit()
            self.changed.emit()

"""Factors page: what each dimension of the features has to do with each known factor of the data."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.families import dim_label
from gmstudio.protocol.features import FeatureSpace, WorkProgress
from gmstudio.protocol.features_factors import FactorMatrix, FactorsMeasured, MeasureFactors
from gmstudio.window.client.request import Request
from gmstudio.window.state.features.state import FeaturesState

Sort = Literal["dimension", "strongest", "factor"]
SORTS: tuple[Sort, ...] = ("dimension", "strongest", "factor")
CODE = "code"
"""Key of the layer whose dimensions are the sliders of Latents."""
NO_DECODER = "This model has no decoder, so Latents cannot show what the dimension does."

Key = tuple[str, FeatureSpace]


class FactorsState(QObject):
    """Scores, matrices and the chosen cell, of the features that are chosen on top of the panel.

    Args:
        owner: state of the panel.

    Attributes:
        count: training images for the next measurement.
        results: replies by run whose data were used, and features.
        problem: sentence on why the chosen features have no scores; empty: there is none.
        matrix: name of the matrix on display.
        sort: order of the dimensions.
        cell: chosen dimension and factor.

    Signals:
        changed: results, progress or ``problem`` changed.
        view_changed: matrix, order or cell changed.
    """

    changed = Signal()
    view_changed = Signal()

    def __init__(self, owner: FeaturesState) -> None:
        super().__init__(owner)
        self._owner = owner
        self.count, self.seed = 5000, 0
        self.results: dict[Key, FactorsMeasured] = {}
        self.matrix = "correlation"
        self.sort: Sort = "dimension"
        self.cell: tuple[int, int] | None = None
        self._problems: dict[Key, str] = {}
        self._request = Request(owner.link, self)
        self._request.replied.connect(self._on_replied)
        self._request.failed.connect(self._on_failed)
        self._request.dropped.connect(self.changed)
        self._request.loading_changed.connect(self.changed)
        owner.run_changed.connect(self._on_chosen)
        owner.space_changed.connect(self._on_chosen)

    # ---- work --------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Something is being measured, perhaps other features than the chosen ones."""
        return self._request.busy

    @property
    def measuring(self) -> FeatureSpace | None:
        """Features that are being measured."""
        command = self._request.command
        return command.space if self.running and isinstance(command, MeasureFactors) else None

    @property
    def loading(self) -> DataLoading | None:
        """Loading of the data that the measurement waits for."""
        return self._request.loading

    @property
    def progress(self) -> WorkProgress | None:
        """Progress of what is being measured; None: nothing is."""
        command = self._request.command
        if not self.running or not isinstance(command, MeasureFactors):
            return None
        found = self.results.get((command.run, command.space))
        return WorkProgress(stage="Starting", share=0.0) if found is None else found.progress

    @property
    def problem(self) -> str:
        """Sentence on why the chosen features have no scores."""
        return self._problems.get(self._key, "")

    def start(self) -> None:
        """Measure the chosen features."""
        if self._owner.run:
            self.results.pop(self._key, None)
            self._problems.pop(self._key, None)
            command = MeasureFactors(space=self._owner.space, run=self._owner.run, count=self.count, seed=self.seed)
            self._request.replace(command)
            self.changed.emit()

    def stop(self) -> None:
        """End the measurement; the scores so far stay."""
        self._request.cancel()
        self.changed.emit()

    # ---- results -----------------------------------------------------------------------------------------------

    @property
    def found(self) -> FactorsMeasured | None:
        """Newest reply on the chosen features that has scores; None: there is none."""
        found = self.results.get(self._key)
        return found if found is not None and found.num_dims else None

    def of_data(self) -> tuple[FactorsMeasured, ...]:
        """Replies with scores on the chosen run's data: of the chosen features first, then of others."""
        chosen = self.found
        others = [
            r for (run, _), r in self.results.items() if run == self._owner.run and r.num_dims and r is not chosen
        ]
        return (*(() if chosen is None else (chosen,)), *others)

    @property
    def shown(self) -> FactorMatrix | None:
        """Matrix on display; None: it is not computed yet."""
        matrices = () if self.found is None else self.found.matrices
        return next((matrix for matrix in matrices if matrix.name == self.matrix), None)

    def order(self) -> NDArray[np.int64]:
        """Dimensions in the chosen order, by the matrix on display."""
        matrix = self.shown
        if matrix is None:
            return np.zeros(0, np.int64)
        size = np.abs(np.nan_to_num(matrix.values.numpy()))
        if self.sort == "dimension" or not size.size:
            return np.arange(len(size), dtype=np.int64)
        strongest = size.max(axis=1)
        keys = (-strongest,) if self.sort == "strongest" else (-strongest, size.argmax(axis=1))
        return np.asarray(np.lexsort(keys), dtype=np.int64)

    def dimension_name(self, dim: int) -> str:
        """Name of a dimension: ``z₄`` of a code, as its slider in Latents, else ``feature 4``; counted from 0."""
        return dim_label("z", dim) if self._owner.space.layer == CODE else f"feature {dim}"

    def choose_matrix(self, name: str) -> None:
        """Show another matrix."""
        self.matrix = name
        self.view_changed.emit()

    def set_sort(self, sort: Sort) -> None:
        """Order the dimensions."""
        self.sort = sort
        self.view_changed.emit()

    def set_count(self, count: int) -> None:
        """Set the number of images for the next measurement."""
        self.count = count

    def choose_cell(self, dim: int, factor: int) -> None:
        """Show a dimension against a factor."""
        self.cell = (dim, factor)
        self.view_changed.emit()

    def points(self) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Values of the factor and of the dimension of the chosen cell, (P,) each; None: no cell is chosen."""
        if self.found is None or self.cell is None:
            return None
        dim, factor = self.cell
        return self.found.point_factors.numpy()[:, factor], self.found.points.numpy()[:, dim]

    def slider(self) -> tuple[str, int] | str:
        """Return the run and the slider of Latents that is the chosen dimension, or why there is none."""
        space = self._owner.space
        if self.cell is None or self.found is None:
            return "Choose a cell of the matrix first."
        if not space.run or space.layer != CODE:
            return "Only the dimensions of a model’s code are sliders in Latents."
        return (space.run, self.cell[0]) if self._owner.library.is_able(space.run, "decode") else NO_DECODER

    # ---- engine ------------------------------------------------------------------------------------------------

    @property
    def _key(self) -> Key:
        return self._owner.run, self._owner.space

    def _on_replied(self, event: FactorsMeasured) -> None:
        self.results[event.run, event.space] = event
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        command = self._request.command
        assert isinstance(command, MeasureFactors)
        if failure.reason is not Reason.ENGINE_GONE:
            self._problems[command.run, command.space] = failure.message
        self.changed.emit()

    def _on_chosen(self) -> None:
        self.cell = None
        self.changed.emit()
        self.view_changed.emit()

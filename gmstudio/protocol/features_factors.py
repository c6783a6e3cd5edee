"""Messages of the Factors page: what a model's features have to do with the known factors of its data."""

from typing import ClassVar

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.features import FeatureSpace, WorkProgress


class MeasureFactors(Command, frozen=True, kw_only=True):
    """Measure how well features separate the known factors of data; answered with ``FactorsMeasured`` many times.

    Args:
        space: the features.
        run: name of the run whose data are used.
        count: training images that are used at most.
        seed: of the choice of images, and of the forests.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ()

    space: FeatureSpace
    run: str
    count: int = 5000
    seed: int = 0


class FactorMatrix(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers by dimension and factor.

    Args:
        name: ``correlation``, ``information``, ``importance`` or ``prediction``.
        title: for display, for example ``Mutual information``.
        values: (D, K) float64; NaN where there is none.
        signed: the values range from −1 to 1; otherwise from 0 to 1.
        help: one sentence on what they are.
    """

    name: str
    title: str
    values: Array
    signed: bool
    help: str


class FactorScore(msgspec.Struct, frozen=True, kw_only=True):
    """Score of disentanglement.

    Args:
        name: ``mig``, ``disentanglement``, ``completeness``, ``informativeness`` or ``sap``.
        title: for display, for example ``MIG``.
        value: from 0 to 1, the higher the better; MIG and SAP of a code without any order are near 0.
        by_factor: (K,) float64 contributions of the factors; empty: it has none.
        formula: in LaTeX.
        help: sentences on what it is, with its source.
    """

    name: str
    title: str
    value: float
    by_factor: Array
    formula: str
    help: str


class FactorsMeasured(Event, frozen=True, kw_only=True):
    """Scores of disentanglement; before the last reply those so far.

    Args:
        space: the features.
        run: name of the run whose data were used.
        title: of the features, for display.
        num_dims: D, of the features.
        factors: names of the K factors.
        ordered: whether each factor's values have an order; those of the others are numbered kinds.
        num_images: training images that were used.
        num_held_out: test images on which predictions were scored.
        scores: those that were computed.
        matrices: those that were computed.
        points: (P, D) float32 features of some of the test images; empty before the first results.
        point_factors: (P, K) float32 values of their factors.
        warnings: sentences, for example on factors that were left out.
        weights_step: training step of the weights; −1: of a baseline.
        progress: of the work.
        done: this is the last reply.
    """

    space: FeatureSpace
    run: str
    title: str
    num_dims: int
    factors: tuple[str, ...]
    ordered: tuple[bool, ...]
    num_images: int
    num_held_out: int
    scores: tuple[FactorScore, ...]
    matrices: tuple[FactorMatrix, ...]
    points: Array
    point_factors: Array
    warnings: tuple[str, ...] = ()
    weights_step: int = -1
    progress: WorkProgress
    done: bool

    def ends_request(self) -> bool:
        """Return whether this is the last reply."""
        return self.done

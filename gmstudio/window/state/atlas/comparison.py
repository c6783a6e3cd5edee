"""Published figures of a family beside the user's best run on the same images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gmstudio.protocol.families import FamilyCard, PublishedFigure
from gmstudio.protocol.runs import RunInfo

NOT_COMPARED = "not compared"
NONE_YET = "none yet"


@dataclass(frozen=True)
class ComparedFigure:
    """A published figure, and the best of one's own.

    Args:
        figure: of the paper.
        published: the figure in words.
        own: the user's best figure in words, or why there is none.
        run: name of the run that has it; empty: none.
    """

    figure: PublishedFigure
    published: str
    own: str
    run: str = ""


def compared_figures(card: FamilyCard, runs: Sequence[RunInfo]) -> tuple[ComparedFigure, ...]:
    """Put the best of one's runs of a family beside each of its published figures.

    Args:
        card: of the family.
        runs: all runs of the library.
    """
    return tuple(_compared(figure, card, runs) for figure in card.published)


def _compared(figure: PublishedFigure, card: FamilyCard, runs: Sequence[RunInfo]) -> ComparedFigure:
    relation = "" if figure.relation == "=" else f"{figure.relation} "
    digits = 2 if figure.unit in ("nats", "bits/dim") else 0
    published = f"{relation}{figure.value:.{digits}f} {figure.unit}"
    if not figure.compared:
        return ComparedFigure(figure, published, NOT_COMPARED)
    best = min(
        (info for info in runs if _fits(info, figure, card)), key=lambda info: info.best_bits or math.inf, default=None
    )
    if best is None or best.best_bits is None:
        return ComparedFigure(figure, published, NONE_YET)
    bound = "" if "log_prob" in best.capabilities else "≤ "
    return ComparedFigure(figure, published, f"{bound}{_in_unit(best, figure.unit)} (validation)", best.run)


def _fits(info: RunInfo, figure: PublishedFigure, card: FamilyCard) -> bool:
    """Return whether a run's likelihood compares with a figure: the family, its images and their levels agree."""
    config = info.spec.data_config
    return (
        info.spec.family == card.name
        and info.best_bits is not None
        and info.spec.data == figure.compared
        and all(config.get(name) == value for name, value in figure.compared_config.items())
    )


def _in_unit(info: RunInfo, unit: str) -> str:
    assert info.best_bits is not None
    if unit == "nats":
        return f"{info.best_bits * info.image.num_dims * math.log(2.0):.2f} nats"
    return f"{info.best_bits:.3f} bits/dim"

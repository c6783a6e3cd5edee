"""Density of a model over the grid of points, however it is computed.

Shapes: R rows (x₂), L columns (x₁).
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from cachetools import LRUCache
from numpy.typing import NDArray

from gmstudio.data.dataset import Labels
from gmstudio.engine.plane.grid import Grid, PlaneGrid
from gmstudio.families.base import Family
from gmstudio.protocol.plane import SurfaceMethod

KEPT_SURFACES = 8


@dataclass(frozen=True, eq=False)
class Surface:
    """Probabilities of all cells.

    Args:
        values: (R, L).
        method: how they were computed.
        note: one sentence; empty: none.
        counted: number of samples that were counted; 0: none.
        samples: (N, 1, 1, D) uint8, the first of those that were counted.
        done: it is the final one; those before are of fewer samples.
    """

    values: Grid
    method: SurfaceMethod | None
    note: str = ""
    counted: int = 0
    samples: NDArray[np.uint8] | None = None
    done: bool = True


@dataclass(frozen=True, eq=False)
class SurfaceRequest:
    """What a surface is computed from.

    Args:
        model: in evaluation mode, whose weights don't change meanwhile.
        grid: of the points.
        train_labels: labels of the training points, of which class-conditional models are mixed; None: none.
        generator: source of all noise.
        num_counted: samples that are counted, where only samples exist.
        quick: compute it less exactly, or count fewer samples, where that is much quicker.
    """

    model: Family
    grid: PlaneGrid
    train_labels: Labels | None
    generator: torch.Generator
    num_counted: int
    quick: bool = False


@dataclass
class SurfaceSlot:
    """Place for the surface of a model with its present weights, so that several questions about it compute it once.

    Args:
        surface: kept one; None: it is not computed yet.
        quick: a quick surface will do, since the model is in training and changes at once.
    """

    surface: Surface | None = None
    quick: bool = False


class SurfaceCache:
    """Slots of the models and weights that were asked about last."""

    def __init__(self) -> None:
        self._kept: LRUCache[Hashable, SurfaceSlot] = LRUCache(KEPT_SURFACES)

    def slot(self, key: Hashable, *, quick: bool) -> SurfaceSlot:
        """Return the slot of a model, its weights and the seed; a quick surface will do, or not."""
        slot: SurfaceSlot | None = self._kept.get((key, quick))
        if slot is None:
            slot = self._kept[key, quick] = SurfaceSlot(quick=quick)
        return slot


@dataclass(frozen=True)
class Rule:
    """Way to compute a surface.

    Args:
        method: its name.
        help: one sentence.
        pieces: yields None after each piece of work under evaluation mode, and surfaces; the last one is done.
        has_quick: whether quick surfaces differ from others.
    """

    method: SurfaceMethod | None
    help: str
    pieces: Callable[[SurfaceRequest], Iterator[Surface | None]]
    has_quick: bool = False

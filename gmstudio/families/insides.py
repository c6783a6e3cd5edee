"""Protocols of what a family has inside, for points of one or two dimensions: warped grids, scores, tables of p(x).

Two coordinates are in use besides levels. A *place* y in [0, 1] runs along an axis from its lower to its upper end, so
that level v of L is the cell from v/L to (v + 1)/L. What a model computes with is a *state*, in its own units; each
protocol says how places and states correspond.

Shapes: B batch, D sub-pixels, L levels.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from gmstudio.protocol.plane import SurfaceMethod


class WarpStep(NamedTuple):
    """Points between two layers of a flow.

    Args:
        label: name of the state, for example ``after layer 3 of 8``.
        states: (B, D) in the units of the layer; standard normal at the code's end.
        places: (B, D) the same points as places on the axes, with the layers nearer to the image set to identity.
        log_det: (B,) nats, log |det| of the map from the first states to these.
    """

    label: str
    states: Tensor
    places: Tensor
    log_det: Tensor


@runtime_checkable
class LayeredFlow(Protocol):
    """Families whose map between points and noise is a chain of invertible layers."""

    def warp(self, points: Tensor, *, inverse: bool) -> Iterator[WarpStep]:
        """Run points through the layers, without gradients.

        Args:
            points: (B, D) floats: places in [0, 1) on the way to the code; codes z on the way back.
            inverse: from codes to places.

        Returns:
            A generator of the state before the first layer and after each.
        """


class DenoisingStep(NamedTuple):
    """Points on their way from noise to data.

    Args:
        t: timestep of the states, 0 at the end.
        states: (B, D) x_t.
        predicted: (B, D) the x̂_0 that the network predicted in the step that led here; at the start the states.
    """

    t: int
    states: Tensor
    predicted: Tensor


@runtime_checkable
class Scored(Protocol):
    """Diffusion models: their states x_t = √ᾱ_t x_0 + σ_t ε are noisy data, of which they predict the score."""

    @property
    def num_timesteps(self) -> int:
        """T; timesteps t run from 0 (data) to T (noise)."""

    def noise_level(self, t: int) -> tuple[float, float]:
        """√ᾱ_t and σ_t = √(1 - ᾱ_t) for t in 0 … T."""

    def to_states(self, places: Tensor) -> Tensor:
        """Places as states x_0: an affine map that takes the centres of the first and last cell to -1 and 1."""

    def to_places(self, states: Tensor) -> Tensor:
        """States as places, the inverse of ``to_states``; noise reaches beyond [0, 1]."""

    def score(self, states: Tensor, t: int) -> Tensor:
        """∇ log p_t(x_t), (B, D) per unit of the states, at states (B, D) and a timestep 1 … T."""

    def denoising_paths(
        self, states: Tensor, t: int, steps: int, noise: float, generator: torch.Generator | None = None
    ) -> Iterator[DenoisingStep]:
        """Denoise states of timestep t in some steps, without gradients.

        Args:
            states: (B, D) x_t; x_T is standard normal.
            t: their timestep, 1 … T.
            steps: most steps to t = 0, evenly spaced.
            noise: η, added in each step: 0 none (DDIM), 1 as in ancestral sampling.
            generator: source of it.

        Returns:
            A generator of the states, the given ones first.
        """


@runtime_checkable
class GridDensity(Protocol):
    """Families with a table of the probabilities of all points of one or two dimensions."""

    @property
    def grid_method(self) -> SurfaceMethod:
        """How the table is computed."""

    def log_prob_grid(self) -> Tensor:
        """Log p of every cell: (L₂, L₁), or (1, L₁) of one dimension; nats, in the device's widest floats.

        Row is the level of the second sub-pixel, column that of the first.

        Raises:
            ValueError: when the images are no points of one or two dimensions.
        """

    def log_prob_grid_pieces(self) -> Iterator[Tensor | None]:
        """Yield None after each piece of a few milliseconds, then the table of ``log_prob_grid``."""


def last_of(pieces: Iterator[Tensor | None]) -> Tensor:
    """Result of a computation in pieces, its last one."""
    *_, found = pieces
    assert found is not None
    return found


def check_points(num_dims: int) -> None:
    """Refuse images of more than two sub-pixels.

    Raises:
        ValueError: with the number.
    """
    if num_dims > 2:
        raise ValueError(
            f"The images have {num_dims} sub-pixels; a table of all probabilities is for points, which have 1 or 2."
        )

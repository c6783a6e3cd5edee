"""Figures of a restricted Boltzmann machine: filters and activities of the hidden units, free energies.

Shapes: B batch, D sub-pixels, F features of a level, J hidden units, M chains, N filters.
"""

import torch
from torch import Tensor

from gmstudio.families.diagnostics import Figure
from gmstudio.families.energy.restricted_boltzmann import RestrictedBoltzmann
from gmstudio.families.figures import unit_filters
from gmstudio.protocol.images import ImageSpec

NUM_FILTERS = 64
NUM_BINS = 40


def filters(machine: RestrictedBoltzmann, probs_BJ: Tensor, image: ImageSpec) -> Figure:
    """Weights of the hidden units that are most often on, as images: contrast of the highest level to the lowest."""
    most_J = probs_BJ.mean(0).argsort(descending=True, stable=True)[:NUM_FILTERS]
    phi_LF = machine.units.level_features().to(probs_BJ)
    weight_DFN = machine.weight_VH[:, most_J].unflatten(0, (machine.units.num_dims, -1))
    slope_ND = torch.einsum("dfn,f->nd", weight_DFN, phi_LF[-1] - phi_LF[0])
    title = "Filters of the most active hidden units"
    words = "The units that are most often on, the most active first."
    return unit_filters(slope_ND, image, most_J, "filters", title, words)


def activities(probs_BJ: Tensor) -> Figure:
    """Histogram of p(h = 1 | x), of (B, J) probabilities."""
    edges = torch.linspace(0.0, 1.0, NUM_BINS + 1)
    return Figure(
        kind="histogram",
        name="hidden_activity",
        title="Activation probabilities of the hidden units",
        help="p(h = 1 | x) of every unit for every validation image. Units that are always off or always on carry "
        "no information; a peak at one half means that they are still untrained.",
        series=("validation images",),
        edges=edges,
        values=_counts(probs_BJ, edges).unsqueeze(0),
    )


def free_energies(data_B: Tensor, samples_M: Tensor) -> Figure:
    """Histograms of F on data and on the model's samples."""
    both = torch.cat([data_B, samples_M])
    low, high = float(both.min()), float(both.max())
    edges = torch.linspace(low, high if high > low else low + 1.0, NUM_BINS + 1)
    return Figure(
        kind="histogram",
        name="free_energy",
        title="Free energy, nats",
        help="Free energies of validation images and of the model's samples. In a well-trained machine the two "
        "distributions agree; images far to the right of the samples have low probability.",
        series=("validation images", "model samples"),
        edges=edges,
        values=torch.stack([_counts(data_B, edges), _counts(samples_M, edges)]),
    )


def _counts(values: Tensor, edges: Tensor) -> Tensor:
    """Counts in the bins between the edges: (N,) floats."""
    return torch.histc(values.float(), bins=len(edges) - 1, min=float(edges[0]), max=float(edges[-1])).to(edges)

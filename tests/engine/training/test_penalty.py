"""The lasso penalty: what it acts on."""

from typing import Any

import pytest
import torch

from gmstudio.engine.training.optimizers import PhaseOptimizer
from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.training_settings import Training

IMAGE, LINE = ImageSpec(1, 8, 8, 16), ImageSpec(1, 1, 2, 16)
CASES: list[tuple[str, dict[str, Any], ImageSpec, int]] = [
    *((family, {}, image, 0) for family in sorted(FAMILIES) for image in (ImageSpec(1, 8, 8, 2), IMAGE)),
    ("realnvp", {"coupling": "mixture"}, LINE, 0),
    ("gated_pixelcnn", {}, IMAGE, 10),
]
MATRICES = ("weight", "readout", "given", "basis")
"""Beginnings of the names of matrices and kernels; everything else is a bias, a scale or a table of them."""


@pytest.mark.parametrize(("family", "config", "image", "labels"), CASES)
def test_it_acts_on_matrices_and_kernels_and_on_no_bias_or_scale(
    family: str, config: dict[str, Any], image: ImageSpec, labels: int
) -> None:
    kind = FAMILIES[family]
    settings = config | ({"num_classes": labels} if labels else {})
    model = kind(kind.Config(**settings), image)
    names = {id(parameter): name.rpartition(".")[2] for name, parameter in model.named_parameters()}
    for phase in model.phases():
        optimizer = PhaseOptimizer(phase, Training(penalty=0.5))
        for parameter in phase.parameters:
            parameter.data.uniform_(0.5, 1.0)
            parameter.grad = torch.zeros_like(parameter)
        optimizer._add_penalty()
        for parameter in phase.parameters:
            is_matrix = parameter.dim() > 1 and names[id(parameter)].startswith(MATRICES)
            assert parameter.grad is not None
            assert (parameter.grad == (0.5 if is_matrix else 0.0)).all(), names[id(parameter)]

"""The lasso penalty: what it acts on."""

import pytest
import torch

from gmstudio.engine.training.optimizers import PhaseOptimizer
from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.training_settings import Training

ENTRYWISE = ("bias", "offset", "log_scale", "shift", "gain")


@pytest.mark.parametrize("levels", [2, 16])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_it_acts_on_matrices_and_kernels_and_on_no_bias_or_scale(family: str, levels: int) -> None:
    kind = FAMILIES[family]
    model = kind(kind.Config(), ImageSpec(1, 8, 8, levels))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for phase in model.phases():
        optimizer = PhaseOptimizer(phase, Training(penalty=0.5))
        before = {}
        for parameter in phase.parameters:
            parameter.grad = torch.zeros_like(parameter)
            before[id(parameter)] = parameter.detach().clone()
        optimizer.set_rate(0)
        optimizer._add_penalty()
        for parameter in phase.parameters:
            name = names[id(parameter)].rpartition(".")[2]
            is_matrix = parameter.dim() > 1 and not name.startswith(ENTRYWISE) and not name.endswith("_bias")
            expected = 0.5 * before[id(parameter)].sign() if is_matrix else torch.zeros_like(parameter)
            torch.testing.assert_close(parameter.grad, expected, msg=name)

"""Models without memory: they have their shapes and constants, and torch's compiler stays out of the process."""

import sys
from unittest.mock import patch

import pytest
import torch

from gmstudio.engine.runtime.building import meta_model
from gmstudio.families import FAMILIES
from gmstudio.nn.constants import constant
from gmstudio.protocol.images import ImageSpec

IMAGES = (ImageSpec(1, 8, 8, 16), ImageSpec(1, 8, 8, 2), ImageSpec(3, 6, 6, 256))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_without_memory_is_built_without_the_compiler(family: str) -> None:
    """Its import, which is refused here, takes a second: with the first run that is opened, or the first form."""
    kind = FAMILIES[family]
    with patch.dict(sys.modules, {"torch._dynamo": None}):
        for image in IMAGES:
            assert meta_model(kind, kind.Config(), image).num_parameters() > 0


def test_a_constant_has_its_numbers_on_the_meta_device_too() -> None:
    @constant
    def halves(count: int) -> torch.Tensor:
        return torch.arange(count) / 2

    with torch.device("meta"):
        assert halves(3).tolist() == [0.0, 0.5, 1.0] and torch.zeros(1).device.type == "meta"

"""Settings that checkpoints fix: those of which the network is made."""

from collections.abc import Generator
from typing import Any

import msgspec
import pytest

from gmstudio.engine.training.fixed_settings import fixed_settings, other_values
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.record import RunRecord, new_record


def record(family: str, config: dict[str, Any], step: int = 0) -> RunRecord:
    image = ImageSpec(channels=1, height=8, width=8, levels=16)
    made = new_record(RunSpec(family=family, config=config, data="digits"), image=image, device="cpu")
    return msgspec.structs.replace(made, step=step)


def found(work: Generator[None, None, dict[str, str]]) -> dict[str, str]:
    while True:
        try:
            next(work)
        except StopIteration as end:
            fixed: dict[str, str] = end.value
            return fixed


@pytest.mark.parametrize(
    ("family", "config", "expected"),
    [
        ("vae", {}, {"architecture", "num_hidden", "num_latent", "num_layers"}),
        ("vae", {"architecture": "conv"}, {"architecture", "num_channels", "num_hidden", "num_latent"}),
        ("nade", {}, {"num_hidden", "num_components", "order_agnostic"}),
        ("pixelcnn", {}, {"kernel_size", "input_kernel_size", "num_blocks", "num_channels", "num_head_channels"}),
    ],
)
def test_what_the_network_is_made_of_is_fixed(family: str, config: dict[str, Any], expected: set[str]) -> None:
    fixed = found(fixed_settings(record(family, config)))
    assert {name.removeprefix("config.") for name in fixed} == expected
    assert all(text.endswith("Start a new run to change it.") for text in fixed.values())


def test_a_model_that_counts_images_fixes_the_batch_size_once_it_has_begun() -> None:
    assert "training.batch_size" not in found(
        fixed_settings(record("markov", {"estimator": "counting", "num_parents": 2}))
    )
    fixed = found(fixed_settings(record("markov", {"estimator": "counting", "num_parents": 2}, step=3)))
    assert "counts each training image once, by batches of 64" in fixed["training.batch_size"]


def test_other_values_are_near_ones_and_those_of_a_choice() -> None:
    assert list(other_values({"type": "integer"}, 4)) == [5, 3, 8, 2]
    assert list(other_values({"type": "boolean"}, True)) == [False]
    assert list(other_values({"enum": ["a", "b", "c"]}, "b")) == ["a", "c"]
    assert list(other_values({"type": "string"}, "text")) == []
    optional = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}
    assert list(other_values(optional, None)) == [1]

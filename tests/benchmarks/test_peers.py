"""Training beside other packages: equal sizes, counted on both sides, or a sentence on what is missing."""

import importlib
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmarks import peers, training
from benchmarks.peers import PEERS, Built
from gmstudio.engine.runtime.building import meta_model
from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec

IMAGE = ImageSpec(channels=1, height=28, width=28, levels=2)


def small_made(_batch: int) -> Built:
    """Masked network of the sizes of ours, without masks."""
    network = nn.Sequential(nn.Linear(784, 20), nn.ReLU(), nn.Linear(20, 784))

    def loss(x: Tensor) -> Tensor:
        return nn.functional.binary_cross_entropy_with_logits(network(x), x)

    return peers._trained_by_adam(network, loss)


def missing(_batch: int) -> Built:
    importlib.import_module("a_package_that_is_not_installed")
    raise AssertionError


def test_both_sides_are_timed_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    peer = replace(PEERS["zuko_made"], package="numpy", settings={"num_hidden": 20, "num_layers": 1}, build=small_made)
    monkeypatch.setattr(peers, "PEERS", {"small": peer})
    monkeypatch.setattr(training, "WARM_UP_S", 0.02)
    found = peers.measure("small", 8, 0.2)
    assert found["parameters"] == found["peer_parameters"] == 784 * 20 + 20 + 20 * 784 + 784
    assert found["peer_mflop_per_step"] == pytest.approx(5 * 2 * 8 * 784 * 20 / 1e6)
    part = found["mflop_per_step"] / found["peer_mflop_per_step"]
    assert 0.5 < part < 0.8, "half of what the masks cut, a half of all, is not computed at 20 units"
    assert found["times_peer"] == pytest.approx(found["images_per_s"] / found["peer_images_per_s"])
    assert found["times_peer_at_equal_flops"] == pytest.approx(found["times_peer"] * part)


def test_a_missing_package_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "PEERS", {"absent": replace(PEERS["zuko_made"], build=missing)})
    with pytest.raises(ValueError, match=r"absent needs a_package_that_is_not_installed.*gmstudio\[peers\]"):
        peers.measure("absent", 8, 0.1)
    with pytest.raises(ValueError, match=r"no such peer; choose from absent"):
        peers.measure("other", 8, 0.1)


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_has_a_model_of_ours_that_can_be_built(name: str) -> None:
    family: Any = FAMILIES[PEERS[name].family]
    assert meta_model(family, family.Config(**PEERS[name].settings), IMAGE).num_parameters() > 100_000
    assert PEERS[name].matched.endswith(".")


def test_ours_and_the_peers_flow_see_the_same_numbers() -> None:
    x = torch.tensor([[0.0, 1.0]])
    y = peers._dequantized(x)
    assert torch.logit(torch.tensor(0.05)) <= y[0, 0] <= torch.logit(torch.tensor(0.5)) <= y[0, 1]

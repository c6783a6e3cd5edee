"""Requirements of other devices, checked on the CPU: no waiting, tensors on the model's device, 32-bit floats.

A training step that reads a number back makes the processor wait for all that a GPU has queued. A tensor that is made
on the default device is not on the model's: here the default is ``meta``, which mixes with no other. And Apple's GPUs
have no floats of 64 bits.
"""

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.evaluation.likelihood import score
from gmstudio.engine.latents import dimension_stats
from gmstudio.families import FAMILIES
from gmstudio.families.energy import annealed_importance
from gmstudio.nn import precision
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.latents import ComputeDimensionStats

WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "lift_fresh")
"""Operations that read results back, or whose shape hangs on them, and the making of a tensor from host numbers."""
CASES: list[tuple[str, dict[str, Any]]] = [
    ("autoencoder", {"noise": "salt and pepper", "sparsity": "kl"}),
    ("vae", {"kl_warmup": 5, "free_bits": 0.1}),
    ("vae", {"architecture": "conv", "num_importance": 3, "decoder": "discretized logistic"}),
    ("gan", {"objective": "hinge", "spectral_norm": True, "ema": 0.9}),
    ("gan", {"architecture": "dcgan", "objective": "wasserstein"}),
    ("rbm", {"num_chains": 4, "num_hidden": 21, "num_temperatures": 3}),
    ("rbm", {"negative_phase": "cd", "num_gibbs": 2, "weight_decay": 0.1, "sparsity_cost": 0.1}),
    ("gsn", {}),
    ("realnvp", {"num_couplings": 1, "dequantization": "variational"}),
    ("realnvp", {"architecture": "mlp", "coupling": "additive"}),
    ("ddpm", {"num_timesteps": 5, "weighting": "bound"}),
]
every_case = pytest.mark.parametrize(
    ("name", "config"), CASES, ids=[f"{n}-{'-'.join(map(str, c.values()))}" for n, c in CASES]
)


def build(name: str, config: dict[str, Any], levels: int) -> tuple[Any, Tensor, torch.Generator]:
    """A small model, four images and a generator."""
    family: Any = FAMILIES[name]
    sizes = {"num_hidden": 8, "num_channels": 4}
    known = {field: size for field, size in sizes.items() if field in family.Config.__struct_fields__}
    model = family(parse_config(family.Config, {**known, **config}), ImageSpec(1, 5, 5, levels))
    noise = torch.Generator().manual_seed(0)
    return model, torch.randint(levels, (4, 1, 5, 5), generator=noise).to(torch.uint8), noise


class _Watch(TorchDispatchMode):
    """Remembers which operations wait, and which make floats of 64 bits."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.waited: list[str] = []
        self.wide: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(word in str(func) for word in WAITING):
            self.waited.append(str(func))
        out = func(*args, **(kwargs or {}))
        if isinstance(out, Tensor) and out.dtype == torch.float64:
            self.wide.append(str(func))
        return out


def updates(model: Any, batch: Tensor, noise: torch.Generator) -> Iterator[Callable[[], Any]]:
    """Work of a training step, phase by phase."""
    for phase in model.train().phases():
        yield lambda phase=phase: phase.loss(batch, noise)["loss"].backward()
        if phase.after_update is not None:
            yield phase.after_update


def looks(model: Any, x: Tensor, noise: torch.Generator) -> Iterator[Callable[[], Any]]:
    """Work of scoring, sampling and exploring."""
    model.eval()
    asked = {
        "elbo": (x, 2, noise),
        "log_prob_estimate": (x, 2, noise),
        "sample": (2, noise),
        "encode": (x,),
        "kl_per_dim": (x,),
        "free_energy": (x,),
    }
    for method, args in asked.items():
        if hasattr(model, method):
            yield lambda method=method, args=args: getattr(model, method)(*args)
    if hasattr(model, "trajectory"):
        yield lambda: list(model.trajectory(None, 2, 2, noise))
        yield lambda: list(model.trajectory(x, 4, 2, noise))
    if hasattr(model, "chain"):
        yield lambda: list(islice(model.chain(x, noise), 2))
    if hasattr(model, "decode"):
        codes = torch.zeros(2, model.latent.num_dims)
        yield lambda: model.decode(codes)


@pytest.mark.parametrize("levels", [2, 16])
@every_case
def test_no_update_reads_a_number_back(name: str, config: dict[str, Any], levels: int) -> None:
    steps = list(updates(*build(name, config, levels)))
    with _Watch() as watch:
        for step in steps:
            step()
    assert not watch.waited


@pytest.mark.parametrize("levels", [2, 16])
@every_case
def test_every_tensor_is_made_on_the_models_device(name: str, config: dict[str, Any], levels: int) -> None:
    built = build(name, config, levels)
    for work in chain(updates(*built), looks(*built)):
        with torch.device("meta"), torch.enable_grad():
            found = work()
        assert not isinstance(found, Tensor) or found.device.type == "cpu"


@every_case
def test_floats_of_32_bits_will_do(name: str, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert precision.widest(torch.device("mps")) == torch.float32
    for module in (precision, annealed_importance):
        monkeypatch.setattr(module, "widest", lambda _device: torch.float32)
    model, x, noise = build(name, config, 4)
    split = Split(x.numpy())
    dataset = Dataset("made", {}, model.image, split, split, split)
    with _Watch() as watch:
        for work in chain(updates(model, x, noise), looks(model, x, noise)):
            work()
        if hasattr(model, "figures"):
            model.figures(x, noise)
        if hasattr(model, "log_prob_estimate") or hasattr(model, "elbo"):
            *_, found = score(model, x.numpy(), 2)
            assert found is not None and found.nats.dtype == np.float64
        if hasattr(model, "kl_per_dim"):
            list(dimension_stats.compute_stats(model, 0, dataset, ComputeDimensionStats(run="r")))
    assert not watch.wide


def test_what_is_watched_for_is_seen() -> None:
    with _Watch() as watch:
        float(torch.zeros(2).double().sum())
    assert watch.waited and watch.wide
    with torch.device("meta"), pytest.raises(RuntimeError):
        torch.zeros(2).to("meta") + torch.zeros(2, device="cpu")

"""No training step reads a number back: on a GPU the processor would wait for all that is queued."""

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gmstudio.cards import ImageSpec, parse_config
from gmstudio.families import FAMILIES

WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "lift_fresh")
"""Operations that read results back, or whose shape hangs on them, and the making of a tensor from host numbers."""
CASES: list[tuple[str, dict[str, Any]]] = [
    ("autoencoder", {"noise": "salt and pepper", "sparsity": "kl"}),
    ("vae", {"kl_warmup": 5, "free_bits": 0.1}),
    ("vae", {"architecture": "conv", "num_importance": 3, "decoder": "discretized logistic"}),
    ("gan", {"objective": "hinge", "spectral_norm": True, "ema": 0.9}),
    ("gan", {"architecture": "dcgan", "objective": "wasserstein"}),
    ("rbm", {"num_chains": 4}),
    ("rbm", {"negative_phase": "cd", "num_gibbs": 2, "weight_decay": 0.1, "sparsity_cost": 0.1}),
    ("gsn", {"num_hidden": 8}),
    ("realnvp", {"num_couplings": 1, "dequantization": "variational"}),
    ("realnvp", {"architecture": "mlp", "coupling": "additive"}),
    ("ddpm", {"num_timesteps": 5, "weighting": "bound"}),
]


class _Watch(TorchDispatchMode):
    """Remembers which operations wait."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.waited: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(word in str(func) for word in WAITING):
            self.waited.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("levels", [2, 16])
@pytest.mark.parametrize(("name", "config"), CASES, ids=[f"{n}-{'-'.join(map(str, c.values()))}" for n, c in CASES])
def test_no_update_reads_a_number_back(name: str, config: dict[str, Any], levels: int) -> None:
    family: Any = FAMILIES[name]
    sizes = {"num_hidden": 8, "num_channels": 4}
    known = {field for field in sizes if field in family.Config.__struct_fields__}
    settings = {**{field: sizes[field] for field in known}, **config}
    model = family(parse_config(family.Config, settings), ImageSpec(1, 4, 4, levels)).train()
    noise = torch.Generator().manual_seed(0)
    batch = torch.randint(levels, (4, 1, 4, 4), generator=noise).to(torch.uint8)
    phases = model.phases()
    with _Watch() as watch:
        for phase in phases:
            phase.loss(batch, noise)["loss"].backward()
            if phase.after_update is not None:
                phase.after_update()
    assert not watch.waited


def test_reading_a_number_is_seen() -> None:
    with _Watch() as watch:
        float(torch.zeros(2).sum())
    assert watch.waited

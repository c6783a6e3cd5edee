"""Small models of points and data for them, for the tests of the plane."""

import numpy as np
import torch

from gmstudio.data.dataset import Dataset, Split
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.points import PointAxis

LEVELS = 16
SMALL: dict[str, dict[str, object]] = {
    "fvbn": {},
    "markov": {},
    "nade": {"num_hidden": 16},
    "made": {"num_hidden": 32},
    "pixelcnn": {"num_channels": 8},
    "gated_pixelcnn": {"num_channels": 8},
    "pixelrnn_row": {"num_channels": 8},
    "pixelrnn_diagonal": {"num_channels": 8},
    "realnvp": {"architecture": "mlp", "num_hidden": 16, "num_couplings": 4},
    "vae": {"num_latent": 2, "num_hidden": 32},
    "ddpm": {"num_timesteps": 20, "num_channels": 4},
    "rbm": {"num_hidden": 12},
    "gsn": {"num_hidden": 16},
    "gan": {"num_latent": 2, "num_hidden": 16},
    "autoencoder": {"num_latent": 1, "num_hidden": 16},
}
TRACTABLE = tuple(name for name in SMALL if name not in ("ddpm", "gsn", "gan", "autoencoder"))


def point_data(dims: int = 2, levels: int = LEVELS, count: int = 512) -> Dataset:
    """Points of a mixture of two Gaussians, with labels, axes and the true probabilities."""
    axes = tuple(PointAxis(title, -2.0, 2.0) for title in ("x₁", "x₂")[:dims])
    centres = np.array([axes[0].centre(level, levels) for level in range(levels)])
    x2, x1 = np.meshgrid(centres, centres, indexing="ij") if dims == 2 else (np.zeros((1, levels)), centres[np.newaxis])
    places = (-0.8, 0.9)
    parts = [np.exp(-((x1 - place) ** 2 + dims // 2 * (x2 - place) ** 2) / 0.3) for place in places]
    truth = sum(part / part.sum() for part in parts) / len(parts)
    random = np.random.default_rng(3)
    cells = random.choice(truth.size, 2 * count, p=truth.ravel())
    images = np.stack([cells % levels, cells // levels], axis=1)[:, :dims].astype(np.uint8).reshape(-1, 1, 1, dims)
    labels = (images.reshape(-1, dims)[:, 0] >= levels // 2).astype(np.int64)
    train, valid = Split(images[:count], labels[:count]), Split(images[count:], labels[count:])
    image = ImageSpec(1, 1, dims, levels)
    return Dataset("points", {}, image, train, valid, valid, label_names=("left", "right"), axes=axes, truth=truth)


def point_model(family: str, dims: int = 2, levels: int = LEVELS, **config: object) -> Family:
    """Untrained model of a family, in evaluation mode, always with the same weights."""
    kind = FAMILIES[family]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return kind(kind.Config(**{**SMALL[family], **config}), ImageSpec(1, 1, dims, levels)).eval()


def trained(model: Family, data: Dataset, steps: int = 30, learning_rate: float = 3e-3) -> Family:
    """Train all phases on one batch for some steps."""
    batch, generator = torch.from_numpy(data.train.images[:256]), torch.Generator().manual_seed(1)
    model.train()
    phases = model.phases()
    optimizers = [torch.optim.Adam(phase.parameters, learning_rate) for phase in phases]
    for _ in range(steps):
        for phase, optimizer in zip(phases, optimizers, strict=True):
            optimizer.zero_grad()
            phase.loss(batch, generator)["loss"].backward()
            optimizer.step()
            if phase.after_update is not None:
                phase.after_update()
    return model.eval()

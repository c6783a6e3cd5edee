"""The Inception-v3 network of the Fréchet Inception distance, up to its last pooling layer (pool3, 2,048 features).

It is the network of 2015-12-05 whose weights the usual PyTorch port has converted, and the names of its parameters are
those of the port. It differs from later ones in its pooling: the average leaves out the padding, and the last block
takes the maximum. Images are resized to 299 × 299 by bilinear interpolation without antialiasing and scaled to
[−1, 1].

Weights are read from a file of the user: safetensors, or a file of ``torch.save`` of which only tensors are read.

Sources: Szegedy et al. 2016, Rethinking the Inception Architecture for Computer Vision, arXiv:1512.00567, section 6;
Heusel et al. 2017, arXiv:1706.08500, section 2.

Shapes: N images, C channels, H rows, W columns.
"""

import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.system.typed_path import typed_path

NUM_FEATURES = 2048
SIDE = 299
PICKLED = (".pt", ".pth")
SAFE = ".safetensors"
UNUSED = ("fc.", "AuxLogits.")
"""Beginnings of names of parameters that the features do not need."""
COUNTER = "num_batches_tracked"
MAX_NAMED = 3


class ConvUnit(nn.Module):
    """Convolution without bias, normalization and ReLU."""

    def __init__(
        self, inputs: int, outputs: int, size: int | tuple[int, int], stride: int = 1, padding: Any = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H', W')."""
        return functional.relu(self.bn(self.conv(x)))


def average_pool(x: Tensor) -> Tensor:
    """Average over 3×3 pixels, those outside the image left out."""
    return functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class BlockA(nn.Module):
    """Block at 35 × 35: 1×1, 5×5, two 3×3, and pooling."""

    def __init__(self, inputs: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = ConvUnit(inputs, 64, 1)
        self.branch5x5_1 = ConvUnit(inputs, 48, 1)
        self.branch5x5_2 = ConvUnit(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = ConvUnit(inputs, 64, 1)
        self.branch3x3dbl_2 = ConvUnit(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = ConvUnit(96, 96, 3, padding=1)
        self.branch_pool = ConvUnit(inputs, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Concatenate the branches."""
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        five = self.branch5x5_2(self.branch5x5_1(x))
        return torch.cat((self.branch1x1(x), five, double, self.branch_pool(average_pool(x))), 1)


class BlockB(nn.Module):
    """Reduction from 35 × 35 to 17 × 17."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3 = ConvUnit(inputs, 384, 3, stride=2)
        self.branch3x3dbl_1 = ConvUnit(inputs, 64, 1)
        self.branch3x3dbl_2 = ConvUnit(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = ConvUnit(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Concatenate the branches."""
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat((self.branch3x3(x), double, functional.max_pool2d(x, 3, stride=2)), 1)


class BlockC(nn.Module):
    """Block at 17 × 17: 7×7 filters factored into rows and columns."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        row: dict[str, Any] = {"size": (1, 7), "padding": (0, 3)}
        column: dict[str, Any] = {"size": (7, 1), "padding": (3, 0)}
        self.branch1x1 = ConvUnit(inputs, 192, 1)
        self.branch7x7_1 = ConvUnit(inputs, width, 1)
        self.branch7x7_2 = ConvUnit(width, width, **row)
        self.branch7x7_3 = ConvUnit(width, 192, **column)
        self.branch7x7dbl_1 = ConvUnit(inputs, width, 1)
        self.branch7x7dbl_2 = ConvUnit(width, width, **column)
        self.branch7x7dbl_3 = ConvUnit(width, width, **row)
        self.branch7x7dbl_4 = ConvUnit(width, width, **column)
        self.branch7x7dbl_5 = ConvUnit(width, 192, **row)
        self.branch_pool = ConvUnit(inputs, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Concatenate the branches."""
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat((self.branch1x1(x), seven, double, self.branch_pool(average_pool(x))), 1)


class BlockD(nn.Module):
    """Reduction from 17 × 17 to 8 × 8."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3_1 = ConvUnit(inputs, 192, 1)
        self.branch3x3_2 = ConvUnit(192, 320, 3, stride=2)
        self.branch7x7x3_1 = ConvUnit(inputs, 192, 1)
        self.branch7x7x3_2 = ConvUnit(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = ConvUnit(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = ConvUnit(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Concatenate the branches."""
        seven = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat((self.branch3x3_2(self.branch3x3_1(x)), seven, functional.max_pool2d(x, 3, stride=2)), 1)


class BlockE(nn.Module):
    """Block at 8 × 8, whose 3×3 filters are split into rows and columns side by side.

    Args:
        inputs: channels.
        max_pool: the pooling branch takes the maximum, as in the last block of this network.
    """

    def __init__(self, inputs: int, *, max_pool: bool) -> None:
        super().__init__()
        self.branch1x1 = ConvUnit(inputs, 320, 1)
        self.branch3x3_1 = ConvUnit(inputs, 384, 1)
        self.branch3x3_2a = ConvUnit(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = ConvUnit(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = ConvUnit(inputs, 448, 1)
        self.branch3x3dbl_2 = ConvUnit(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = ConvUnit(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = ConvUnit(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = ConvUnit(inputs, 192, 1)
        self._max_pool = max_pool

    def forward(self, x: Tensor) -> Tensor:
        """Concatenate the branches."""
        three, double = self.branch3x3_1(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        pooled = functional.max_pool2d(x, 3, stride=1, padding=1) if self._max_pool else average_pool(x)
        return torch.cat(
            (
                self.branch1x1(x),
                self.branch3x3_2a(three),
                self.branch3x3_2b(three),
                self.branch3x3dbl_3a(double),
                self.branch3x3dbl_3b(double),
                self.branch_pool(pooled),
            ),
            1,
        )


class FrechetInception(nn.Module):
    """The network up to pool3, with the port's names of its parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = ConvUnit(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = ConvUnit(32, 32, 3)
        self.Conv2d_2b_3x3 = ConvUnit(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = ConvUnit(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvUnit(80, 192, 3)
        self.Mixed_5b = BlockA(192, 32)
        self.Mixed_5c = BlockA(256, 64)
        self.Mixed_5d = BlockA(288, 64)
        self.Mixed_6a = BlockB(288)
        self.Mixed_6b = BlockC(768, 128)
        self.Mixed_6c = BlockC(768, 160)
        self.Mixed_6d = BlockC(768, 160)
        self.Mixed_6e = BlockC(768, 192)
        self.Mixed_7a = BlockD(768)
        self.Mixed_7b = BlockE(1280, max_pool=False)
        self.Mixed_7c = BlockE(2048, max_pool=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) intensities in [0, 1], of 1 or 3 channels, to (N, 2048) features."""
        x = x.expand(-1, 3, -1, -1)
        x = 2 * functional.interpolate(x, size=(SIDE, SIDE), mode="bilinear", align_corners=False) - 1
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = functional.max_pool2d(x, 3, stride=2)
        x = functional.max_pool2d(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)), 3, stride=2)
        x = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(x))))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        return x.mean((2, 3))


def load_inception(path: str, *, pickled: bool) -> FrechetInception:
    """Load the network with the weights of a file.

    Args:
        path: of a ``.safetensors``, ``.pt`` or ``.pth`` file.
        pickled: read ``.pt`` and ``.pth`` files, too.

    Raises:
        ValueError: when the file cannot be read, or its arrays are not those of the network.
    """
    arrays = {
        name: array
        for name, array in _read(typed_path(path), pickled=pickled).items()
        if not name.startswith(UNUSED) and not name.endswith(COUNTER)
    }
    with torch.device("meta"):
        network = FrechetInception()
    differences = differences_of({name: tuple(array.shape) for name, array in arrays.items()})
    if differences:
        rest = f" and {len(differences) - MAX_NAMED:,} more" if len(differences) > MAX_NAMED else ""
        raise ValueError(
            f"{path} does not hold the weights of the Inception network of the Fréchet distance (2015-12-05): "
            f"{'; '.join(differences[:MAX_NAMED])}{rest}. Choose the file of the PyTorch port of these weights."
        )
    counters = {name: torch.zeros((), dtype=torch.long) for name in network.state_dict() if name.endswith(COUNTER)}
    floats = {name: array.float() for name, array in arrays.items()}
    network.load_state_dict(floats | counters, assign=True)
    return network.eval().requires_grad_(requires_grad=False)


def differences_of(shapes: dict[str, tuple[int, ...]]) -> list[str]:
    """Return how arrays differ from the parameters of the network, phrases; empty: they do not.

    Args:
        shapes: name → shape.
    """
    with torch.device("meta"):
        network = FrechetInception()
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items() if not name.endswith(COUNTER)}
    return [
        *(f"{name} is missing" for name in wanted if name not in shapes),
        *(f"{name} is unknown" for name in shapes if name not in wanted),
        *(
            f"{name} has shape {shapes[name]}, not {shape}"
            for name, shape in wanted.items()
            if name in shapes and shapes[name] != shape
        ),
    ]


def _read(path: Path, *, pickled: bool) -> dict[str, Tensor]:
    """Arrays of a file by their names.

    Raises:
        ValueError: when it cannot be read.
    """
    ending = path.suffix.lower()
    if not str(path).strip(". "):
        raise ValueError("No file of Inception weights is chosen. Choose a .safetensors, .pt or .pth file.")
    if ending not in (SAFE, *PICKLED):
        raise ValueError(f"{path.name} is no file of weights; choose a .safetensors, .pt or .pth file.")
    if not path.is_file():
        raise ValueError(f"There is no file {path}; choose the file of the Inception weights.")
    if ending in PICKLED and not pickled:
        raise ValueError(
            f"{path.name} is a pickle. Only its tensors would be read, and nothing in it executed; allow "
            "pickled weights if you trust where it comes from, or convert it to safetensors."
        )
    try:
        found: object = load_file(path) if ending == SAFE else torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, OSError, ValueError, EOFError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path.name} could not be read as weights ({reason}); choose another file.") from error
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise ValueError(f"{path.name} holds no table of tensors by name; choose a file of a state_dict.")
    return {str(name): value for name, value in found.items()}

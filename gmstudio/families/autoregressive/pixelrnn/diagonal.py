r"""PixelRNN with Diagonal BiLSTMs: recurrent states carry information from all earlier pixels to each pixel.

    p(x) = \prod_i p(x_i | x_1, …, x_{i-1}),    i in raster order, R → G → B within a pixel

After a 7×7 convolution with mask A, Diagonal BiLSTM layers (``diagonal_lstm``) sweep over the image from both upper
corners: a pixel's states follow from those of its neighbours beside and above, by a 2×1 convolution in the skewed map,
and from its input (1×1, mask B). A diagonal is computed at once in training. The states going left are moved down one
row before both are added, so that no pixel depends on later ones.

Differences from the paper: the first layer's LSTM going left also reads the pixels themselves, without which only the
last pixels of a row would depend on the last pixel of the row above (the first convolution passes a pixel on to later
ones only, and the states going left end at the row above); the number of features is free (the paper has h = 128 for
CIFAR-10, 16 for MNIST); the input is scaled to [-1, 1]; the scan can start at any corner, and its output can be a
mixture of logistics; layers have no bias beside that of the gates, which would be redundant; the initial bias of forget
gates is 1.

Source: van den Oord, Kalchbrenner & Kavukcuoglu 2016, Pixel Recurrent Neural Networks, arXiv:1601.06759, sections 3.2
to 3.5 and table 1.

Shape legend: B batch, C channels, H height, W width, P pixels (H·W) in raster order, F features.
"""

from typing import ClassVar, cast

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.families import published
from gmstudio.families.autoregressive.masked_conv import CausalReach
from gmstudio.families.autoregressive.pixelrnn.base import (
    LIKELIHOOD,
    InputKernelField,
    NumChannelsField,
    NumHeadChannelsField,
    NumLayersField,
    PixelRNN,
    PixelRNNStepper,
)
from gmstudio.families.autoregressive.pixelrnn.diagonal_lstm import DiagonalBiLSTM
from gmstudio.families.autoregressive.pixelrnn.diagonal_sampler import DiagonalLSTMCache
from gmstudio.families.autoregressive.raster import CornerField, NumMixturesField, OutputField
from gmstudio.families.points import SHORT_RUN
from gmstudio.nn.stepping.ops import StepOps
from gmstudio.protocol.families import FamilyCard
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training


class PixelRNNDiagonal(PixelRNN):
    """PixelRNN with Diagonal BiLSTMs; see the module's docstring.

    Raises:
        ConfigError: when the features cannot be divided among the image's colours.
    """

    class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of a PixelRNN with Diagonal BiLSTMs."""

        num_layers: NumLayersField = 2
        num_channels: NumChannelsField = 32
        num_head_channels: NumHeadChannelsField = 64
        input_kernel_size: InputKernelField = 7
        output: OutputField = "auto"
        num_mixtures: NumMixturesField = 5
        corner: CornerField = "top left"

    card: ClassVar[FamilyCard] = FamilyCard(
        name="pixelrnn_diagonal",
        title="PixelRNN (Diagonal BiLSTM)",
        branch=("Explicit density", "Tractable density", "Autoregressive"),
        summary=(
            "Two LSTMs sweep over the image diagonal by diagonal, one from each upper corner. Together they make every "
            "pixel depend on all pixels before it, without a blind spot. Diagonals have to be computed one after "
            "another, where a convolution computes all pixels at once."
        ),
        source=(
            "van den Oord, Kalchbrenner & Kavukcuoglu 2016, Pixel Recurrent Neural Networks, arXiv:1601.06759, "
            "section 3.2"
        ),
        published=published.DIAGONAL_BILSTM,
        objectives=(LIKELIHOOD,),
    )
    training_defaults: ClassVar[Training] = Training(steps=600, batch_size=64, learning_rate=3e-3, schedule="cosine")
    start_on_points: ClassVar[Start | None] = Start(
        data="points",
        config={"num_layers": 1, "num_channels": 48, "input_kernel_size": 3},
        training={**SHORT_RUN, "steps": 400, "learning_rate": 1e-2},
    )

    def __init__(self, config: Config, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.config: PixelRNNDiagonal.Config = config

    def layer(self, number: int) -> DiagonalBiLSTM:
        """See ``PixelRNN``."""
        config, image = self.config, self.image
        return DiagonalBiLSTM(
            2 * config.num_channels,
            config.num_channels,
            self.outputs.num_groups,
            image.height,
            image.width,
            num_values=image.channels if number == 0 else 0,
        )

    def run_layers(self, hidden_FPB: Tensor, values_CPB: Tensor) -> Tensor:
        """See ``PixelRNN``."""
        for layer in self.layers:
            hidden_FPB = layer(hidden_FPB, values_CPB)
        return hidden_FPB

    def open_stepper(
        self, images_BCHW: NDArray[np.uint8], ops: StepOps, rewindable: bool, labels_B: Tensor | None = None
    ) -> "DiagonalStepper":
        """See ``RasterFamily``."""
        return DiagonalStepper(self, images_BCHW, ops, rewindable)

    def reach(self, group: int, row: int, column: int) -> Tensor:
        """See ``RasterFamily``: all pixels before this one, and of this one the colours that the masks show."""
        num_groups, (_, height, width) = self.outputs.num_groups, self.image.shape
        own_pixel = CausalReach(num_groups, 1, 1, [("A", 1)]).seen_from(group, 0, 0)[:, 0, 0]
        seen_CHW = torch.zeros(num_groups, height, width, dtype=torch.bool)
        seen_CHW[:, :row] = True
        seen_CHW[:, row, :column] = True
        seen_CHW[:, row, column] = own_pixel
        return seen_CHW.expand(self.image.shape).clone()


class DiagonalStepper(PixelRNNStepper):
    """The incremental sampler; see ``PixelRNNStepper`` and ``DiagonalLSTMCache``."""

    def __init__(self, model: PixelRNNDiagonal, images_BCHW: NDArray[np.uint8], ops: StepOps, rewindable: bool) -> None:
        layers = cast(list[DiagonalBiLSTM], list(model.layers))
        self._layers = DiagonalLSTMCache(
            ops, layers, model.image.width, model.outputs.num_groups, rewindable=rewindable
        )
        super().__init__(model, images_BCHW, ops, self._layers, rewindable)

    def _enter_row(self, row: int) -> None:
        self._inputs.enter_row(row)
        values_BCW = self._scaled_L[self._images_BCHW[:, :, max(row - 1, 0)]]
        values_WC = values_BCW.transpose(2, 1, 0).reshape(self._width, self._num_channels, *self._ops.tail)
        self._layers.enter_row(row, self._ops.load(torch.from_numpy(values_WC)))

r"""PixelRNN with Row LSTMs: recurrent states carry information from all rows above to each row.

    p(x) = \prod_i p(x_i | x_1, …, x_{i-1}),    i in raster order, R → G → B within a pixel

After a 7×7 convolution with mask A, Row LSTM layers (``row_lstm``) go down the image: states of the row above,
joined by a k×1 convolution, and the inputs at and left of a pixel (k×1, mask B) drive an LSTM at every column. All
columns of a row are computed at once in training. The receptive field is a triangle that opens upwards to the top of
the image, outside of which is a blind spot; every layer and the first convolution widen it.

Differences from the paper: the number of features is free (the paper has h = 128 for CIFAR-10, 16 for MNIST); the input
is scaled to [-1, 1]; the scan can start at any corner, and its output can be a mixture of logistics; layers have no
bias beside that of the gates, which would be redundant; the initial bias of forget gates is 1.

Source: van den Oord, Kalchbrenner & Kavukcuoglu 2016, Pixel Recurrent Neural Networks, arXiv:1601.06759, sections 3.1,
3.3 to 3.5 and table 1.

Shape legend: B batch, C channels, H height, W width, P pixels (H·W) in raster order, F features, T target colours.
"""

from functools import cached_property
from typing import Annotated, ClassVar, Literal, cast

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gmstudio.families import published
from gmstudio.families.autoregressive.masked_conv import causal_mask, colour_groups
from gmstudio.families.autoregressive.pixelrnn.base import (
    LIKELIHOOD,
    InputKernelField,
    NumChannelsField,
    NumHeadChannelsField,
    NumLayersField,
    PixelRNN,
    PixelRNNStepper,
)
from gmstudio.families.autoregressive.pixelrnn.row_lstm import RowLSTM, row_lstm_reach
from gmstudio.families.autoregressive.pixelrnn.row_sampler import RowLSTMCache
from gmstudio.families.autoregressive.raster import CornerField, NumMixturesField, OutputField
from gmstudio.families.points import SHORT_RUN
from gmstudio.nn.stepping.ops import StepOps
from gmstudio.protocol.config import field
from gmstudio.protocol.families import FamilyCard
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training


class PixelRNNRow(PixelRNN):
    """PixelRNN with Row LSTMs; see the module's docstring.

    Raises:
        ConfigError: when the features cannot be divided among the image's colours.
    """

    class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of a PixelRNN with Row LSTMs."""

        num_layers: NumLayersField = 3
        num_channels: NumChannelsField = 32
        num_head_channels: NumHeadChannelsField = 64
        kernel_size: Annotated[
            Literal[3, 5, 7],
            field(
                "LSTM kernel k",
                "Width of the state-to-state convolution along the row above; the slope of the triangular receptive "
                "field.",
                unit="pixels",
            ),
        ] = 3
        input_kernel_size: InputKernelField = 7
        output: OutputField = "auto"
        num_mixtures: NumMixturesField = 5
        corner: CornerField = "top left"

    card: ClassVar[FamilyCard] = FamilyCard(
        name="pixelrnn_row",
        title="PixelRNN (Row LSTM)",
        branch=("Explicit density", "Tractable density", "Autoregressive"),
        summary=(
            "Generates the image row by row with recurrent states: an LSTM at every column passes its state from one "
            "row to the next, convolved with those of its neighbours. So a pixel depends on a triangle that reaches "
            "up to the top of the image, taller than PixelCNN's window but with corners outside the receptive field."
        ),
        source=(
            "van den Oord, Kalchbrenner & Kavukcuoglu 2016, Pixel Recurrent Neural Networks, arXiv:1601.06759, "
            "section 3.1"
        ),
        published=published.ROW_LSTM,
        objectives=(LIKELIHOOD,),
    )
    training_defaults: ClassVar[Training] = Training(steps=800, batch_size=64, learning_rate=3e-3, schedule="cosine")
    start_on_points: ClassVar[Start | None] = Start(
        data="points",
        config={"num_layers": 1, "num_channels": 48, "input_kernel_size": 3},
        training={**SHORT_RUN, "steps": 400, "learning_rate": 1e-2},
    )

    def __init__(self, config: Config, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.config: PixelRNNRow.Config = config

    def layer(self, number: int) -> RowLSTM:
        """See ``PixelRNN``."""
        config, image = self.config, self.image
        return RowLSTM(
            2 * config.num_channels,
            config.num_channels,
            config.kernel_size,
            self.outputs.num_groups,
            image.height,
            image.width,
        )

    def run_layers(self, hidden_FPB: Tensor, values_CPB: Tensor) -> Tensor:
        """See ``PixelRNN``."""
        for layer in self.layers:
            hidden_FPB = layer(hidden_FPB)
        return hidden_FPB

    def open_stepper(
        self, images_BCHW: NDArray[np.uint8], ops: StepOps, rewindable: bool, labels_B: Tensor | None = None
    ) -> "RowStepper":
        """See ``RasterFamily``."""
        return RowStepper(self, images_BCHW, ops, rewindable)

    def reach(self, group: int, row: int, column: int) -> Tensor:
        """See ``RasterFamily``: the first convolution's window around every position of the triangle."""
        num_groups, (_, height, width) = self.outputs.num_groups, self.image.shape
        columns = slice(width - 1 - column, 2 * width - 1 - column)
        triangle_CHW = torch.zeros(num_groups, height, width)
        triangle_CHW[:, : row + 1] = self._triangles_TCHW[group, :, height - 1 - row :, columns]
        # Cut off at the border before the window is added: features outside the image carry no information.
        padding = self.config.input_kernel_size // 2
        padded_CHW = functional.pad(triangle_CHW, (0, 0, 0, padding))
        seen_CHW = functional.conv_transpose2d(padded_CHW.unsqueeze(0), self._window, padding=padding)[0] > 0
        return seen_CHW.expand(self.image.shape).clone()

    @cached_property
    def _window(self) -> Tensor:
        """Receptive field of the first convolution, as a kernel of floats."""
        own = colour_groups(self.outputs.num_groups, self.outputs.num_groups)
        return causal_mask("A", own, own, self.config.input_kernel_size).float()

    @cached_property
    def _triangles_TCHW(self) -> Tensor:
        """Receptive field of each colour in the first convolution, from the bottom of a wide canvas."""
        num_groups, (_, height, width) = self.outputs.num_groups, self.image.shape
        reach_TCHW = functional.pad(torch.eye(num_groups)[:, :, None, None], (width - 1, width - 1, height - 1, 0)) > 0
        for _ in range(self.config.num_layers):
            reach_TCHW = row_lstm_reach(reach_TCHW, self.config.kernel_size)
        return reach_TCHW


class RowStepper(PixelRNNStepper):
    """The incremental sampler; see ``PixelRNNStepper`` and ``RowLSTMCache``."""

    def __init__(self, model: PixelRNNRow, images_BCHW: NDArray[np.uint8], ops: StepOps, rewindable: bool) -> None:
        layers = cast(list[RowLSTM], list(model.layers))
        self._layers = RowLSTMCache(ops, layers, model.image.width, model.outputs.num_groups, rewindable=rewindable)
        super().__init__(model, images_BCHW, ops, self._layers, rewindable)

    def _enter_row(self, row: int) -> None:
        self._inputs.enter_row(row)
        self._layers.enter_row(row)

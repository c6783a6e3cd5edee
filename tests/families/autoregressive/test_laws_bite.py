"""The laws can fail: a deliberate fault in a mask, an order, a cache or a density breaks the law that forbids it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from autoregressive_cases import LARGER, make
from torch import Tensor

from gmstudio.families.autoregressive.conv_cache import RowCache
from gmstudio.families.autoregressive.gated_pixelcnn.model import GatedPixelCNN
from gmstudio.families.autoregressive.gated_pixelcnn.sampler import VerticalRows
from gmstudio.families.autoregressive.made.model import MADE
from gmstudio.families.autoregressive.masked_conv import MaskedConv2d
from gmstudio.families.autoregressive.nade.model import NADE
from gmstudio.families.autoregressive.ordered_inputs import OrderedInputs
from gmstudio.families.autoregressive.orders import named_order
from gmstudio.families.autoregressive.pixelcnn import PixelCNN
from gmstudio.families.autoregressive.raster import RasterStepper
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import BINARY, GREY

IMAGE = LARGER[0]
SPIRAL = named_order("spiral", IMAGE)
SMALL: dict[str, dict[str, Any]] = {
    "pixelcnn": {"num_blocks": 1, "num_channels": 3, "num_head_channels": 4},
    "gated_pixelcnn": {"num_layers": 1, "num_channels": 3, "num_head_channels": 4},
    "pixelrnn_row": {"num_layers": 1, "num_channels": 3, "num_head_channels": 4},
    "pixelrnn_diagonal": {"num_layers": 1, "num_channels": 3, "num_head_channels": 4},
    "nade": {"num_hidden": 6, "order_agnostic": True},
    "made": {"num_hidden": 16, "num_layers": 1, "num_orders": 3},
    "fvbn": {},
}


def small(name: str) -> Any:
    return make(name, SMALL[name], IMAGE)


def breaks(law: Callable[..., None], *arguments: Any) -> None:
    with pytest.raises(AssertionError):
        law(*arguments)


def show_the_centre(layer: MaskedConv2d) -> None:
    """Mask A becomes mask B."""
    layer.mask[:, :, -1, layer.kernel_size // 2] = True
    layer._masks_nothing = False


@pytest.mark.parametrize("name", ["pixelcnn", "pixelrnn_row", "pixelrnn_diagonal"])
def test_mask_b_in_the_first_layer(name: str) -> None:
    model = small(name)
    laws.autoregression(model)
    show_the_centre(model.input)
    breaks(laws.autoregression, model)


def test_mask_b_in_the_first_gated_layer() -> None:
    model: GatedPixelCNN = small("gated_pixelcnn")
    model.input.horizontal.mask[..., -1] = True
    model.input.horizontal._masks_nothing = False
    breaks(laws.autoregression, model)


def test_a_vertical_stack_that_is_not_shifted_down(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small("gated_pixelcnn")
    pad, down, up = torch.nn.functional.pad, (0, 0, 1, 0), (0, 0, 0, 1)
    monkeypatch.setattr(
        "gmstudio.families.autoregressive.gated_pixelcnn.layers.functional.pad",
        lambda x, padding, *rest: pad(x, up if padding == down else padding, *rest),
    )
    breaks(laws.autoregression, model)


def test_a_unit_of_made_that_reads_its_own_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = MADE._masks

    def off_by_one(self: MADE, positions_D: Tensor, degrees_LN: Tensor) -> list[Tensor]:
        return [masks(self, positions_D - 1, degrees_LN)[0], *masks(self, positions_D, degrees_LN)[1:]]

    model = small("made")
    monkeypatch.setattr(MADE, "_masks", off_by_one)
    breaks(laws.autoregression, model)


def test_values_that_come_one_step_early(monkeypatch: pytest.MonkeyPatch) -> None:
    features = NADE._features
    model = small("nade")
    monkeypatch.setattr(NADE, "_features", lambda self, x_BD, index_D: features(self, x_BD.roll(-1, 1), index_D))
    breaks(laws.autoregression, model)


def test_a_model_that_ignores_the_order_it_is_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small("nade")
    laws.order_matters(model, SPIRAL)
    monkeypatch.setattr(NADE, "_index", lambda self, order_D3: self.own_index)
    breaks(laws.autoregression, model, SPIRAL)
    breaks(laws.stepping_equals_scoring, model, SPIRAL)
    breaks(laws.order_matters, model, SPIRAL)


def test_a_model_that_ignores_the_order_in_scoring_and_sampling_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    model, stepper = small("nade"), NADE.stepper

    def stubborn(self: NADE, images: Any, order_D3: Tensor, rewindable: bool, labels_B: Tensor | None = None) -> Any:
        return stepper(self, images, self.own_order, rewindable, labels_B)

    monkeypatch.setattr(NADE, "_index", lambda self, order_D3: self.own_index)
    monkeypatch.setattr(NADE, "stepper", stubborn)
    breaks(laws.autoregression, model, SPIRAL)
    breaks(laws.fast_equals_plain, model, SPIRAL)


@pytest.mark.parametrize("name", ["nade", "made"])
def test_a_sampler_whose_order_is_off_by_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small(name)
    stepper = type(model).stepper

    def off_by_one(self: Any, images: Any, order_D3: Tensor, rewindable: bool, labels_B: Tensor | None = None) -> Any:
        return stepper(self, images, order_D3.roll(1, 0), rewindable, labels_B)

    monkeypatch.setattr(type(model), "stepper", off_by_one)
    breaks(laws.fast_equals_plain, model)
    breaks(laws.stepping_equals_scoring, model)


@pytest.mark.parametrize("name", ["nade", "made", "fvbn"])
def test_a_sampler_that_forgets_a_value(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = OrderedInputs.read

    def forgetful(self: OrderedInputs, step: int) -> None:
        read(self, step)
        self.rows[3] = 0.5

    model = small(name)
    monkeypatch.setattr(OrderedInputs, "read", forgetful)
    breaks(laws.fast_equals_plain, model)


@pytest.mark.parametrize("name", ["pixelcnn", "gated_pixelcnn", "pixelrnn_row", "pixelrnn_diagonal"])
def test_a_sampler_that_never_reads_what_was_placed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small(name)
    monkeypatch.setattr(RasterStepper, "_read_values", lambda self, number: None)
    breaks(laws.fast_equals_plain, model)
    breaks(laws.stepping_equals_scoring, model)


@pytest.mark.parametrize(
    ("name", "kind", "method"), [("pixelcnn", RowCache, "enter_row"), ("gated_pixelcnn", VerticalRows, "compute")]
)
def test_a_cache_that_forgets_rows(name: str, kind: Any, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small(name)
    monkeypatch.setattr(kind, method, lambda self, *arguments: None)
    breaks(laws.fast_equals_plain, model)


@pytest.mark.parametrize(
    ("name", "kind"), [("pixelcnn", RasterStepper), ("nade", OrderedInputs), ("made", OrderedInputs)]
)
def test_a_cache_that_stays_where_it_was_after_going_back(
    name: str, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small(name)
    laws.rewinding_recomputes(model)
    monkeypatch.setattr(kind, "rewind", lambda self, step: None)
    breaks(laws.rewinding_recomputes, model)


def test_a_context_that_leaves_a_pixel_out(monkeypatch: pytest.MonkeyPatch) -> None:
    reach = PixelCNN.reach

    def short_sighted(self: PixelCNN, group: int, row: int, column: int) -> Tensor:
        seen_CHW = reach(self, group, row, column)
        seen_CHW[:, row, max(column - 1, 0)] = False
        return seen_CHW

    model = small("pixelcnn")
    laws.conditionals_depend_on_their_context(model)
    monkeypatch.setattr(PixelCNN, "reach", short_sighted)
    breaks(laws.conditionals_depend_on_their_context, model)


def test_a_context_that_reaches_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small("pixelcnn")
    monkeypatch.setattr(PixelCNN, "reach", lambda self, group, row, column: torch.ones(IMAGE.shape, dtype=torch.bool))
    breaks(laws.conditionals_depend_on_their_context, model)


def test_bins_that_leave_gaps() -> None:
    model = make("nade", {"num_hidden": 4, "num_components": 2}, GREY)
    laws.probabilities_sum_to_one(model)
    model.output.levels += 1  # bins too narrow, and the last one no longer reaches to infinity
    breaks(laws.probabilities_sum_to_one, model)


def test_a_leak_is_no_density() -> None:
    model = make("pixelcnn", SMALL["pixelcnn"], BINARY)
    laws.probabilities_sum_to_one(model)
    show_the_centre(model.input)
    breaks(laws.probabilities_sum_to_one, model)

"""Tests of the PixelRNNs beyond the laws: receptive fields, layers, their samplers on every kind of array."""

from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from gmstudio.families import FAMILIES
from gmstudio.families.autoregressive.pixelrnn.base import PixelRNN
from gmstudio.families.autoregressive.pixelrnn.diagonal import PixelRNNDiagonal
from gmstudio.families.autoregressive.pixelrnn.row import PixelRNNRow
from gmstudio.nn.stepping.ops import NumpyOps, TorchOps
from gmstudio.protocol.config import ConfigError, parse_config, schema_of
from gmstudio.protocol.images import ImageSpec

SMALL = {"num_layers": 2, "num_channels": 4, "num_head_channels": 6}
KINDS: list[type[PixelRNN]] = [PixelRNNRow, PixelRNNDiagonal]

both = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.card.name)


def make(kind: type[PixelRNN], image: ImageSpec, **values: Any) -> Any:
    torch.manual_seed(3)
    model = kind(kind.Config(**{**SMALL, **values}), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.4 * torch.randn_like(parameter))
    return model


def what_matters(model: Any) -> torch.Tensor:
    """(D, C, H, W) bool: where a sub-pixel's output features have a gradient; what is not seen has exactly none."""
    image = model.image
    found = torch.zeros(image.num_dims, *image.shape, dtype=torch.bool)
    model = model.double()
    generator = torch.Generator().manual_seed(0)
    for _ in range(2):  # so that no ReLU hides a path by chance
        x = torch.rand(1, *image.shape, generator=generator, dtype=torch.float64).requires_grad_()
        out_FHW = model.network(x)[0]
        per_channel = len(out_FHW) // image.channels
        for step, (channel, row, column) in enumerate(model.own_order.tolist()):
            own = out_FHW[channel * per_channel : (channel + 1) * per_channel, row, column]
            (gradient,) = torch.autograd.grad((own * torch.rand(len(own))).sum(), x, retain_graph=True)
            found[step] |= gradient[0] != 0
    return found


@both
def test_it_is_registered_under_its_card(kind: type[PixelRNN]) -> None:
    assert FAMILIES[kind.card.name] is kind
    assert kind.card.branch == ("Explicit density", "Tractable density", "Autoregressive")


@both
def test_its_config_is_described_and_checked(kind: type[PixelRNN]) -> None:
    properties = schema_of(kind.Config)["properties"]
    assert list(properties) == [f.name for f in msgspec.structs.fields(kind.Config)]
    assert all(prop["title"] and prop["description"] for prop in properties.values())
    with pytest.raises(ConfigError, match="from 1 to 32"):
        kind(parse_config(kind.Config, {"num_layers": 0}), ImageSpec(1, 2, 2, 2))
    with pytest.raises(ConfigError, match="one of 3, 5, 7, 9, 11"):
        parse_config(kind.Config, {"input_kernel_size": 4})


@both
@pytest.mark.parametrize("name", ["num_channels", "num_head_channels"])
def test_colour_needs_a_feature_for_each_colour(kind: type[PixelRNN], name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is 2; colour images need 3 or more"):
        make(kind, ImageSpec(3, 4, 4, 2), **{name: 2})
    make(kind, ImageSpec(1, 4, 4, 2), **{name: 1})


@both
@pytest.mark.parametrize(
    ("image", "values"),
    [
        (ImageSpec(1, 5, 9, 2), {"num_layers": 1}),
        (ImageSpec(1, 4, 8, 2), {"num_layers": 2}),
        (ImageSpec(1, 7, 2, 2), {"num_layers": 2}),
        (ImageSpec(3, 3, 5, 2), {"num_layers": 1}),
    ],
)
def test_the_context_is_exactly_what_can_matter(kind: type[PixelRNN], image: ImageSpec, values: dict[str, Any]) -> None:
    model = make(kind, image, input_kernel_size=3, num_channels=24, num_head_channels=30, **values)
    matters = what_matters(model)
    for step in range(image.num_dims):
        assert torch.equal(model.receptive_field(step, model.own_order), matters[step]), step


def test_a_wider_kernel_makes_a_wider_triangle() -> None:
    image = ImageSpec(1, 4, 13, 2)
    model = make(PixelRNNRow, image, input_kernel_size=3, num_layers=1, kernel_size=5)
    matters = what_matters(model)
    for step in range(image.num_dims):
        assert torch.equal(model.receptive_field(step, model.own_order), matters[step])


def test_the_row_lstm_sees_a_triangle() -> None:
    model = make(PixelRNNRow, ImageSpec(1, 8, 28, 2), num_layers=1, input_kernel_size=3)
    context = model.receptive_field(6 * 28 + 10, model.own_order)[0]
    # The triangle opens by one column a row; the layer's own kernel adds one to the left, the first one to each side.
    for distance in range(1, 7):
        seen = context[6 - distance].nonzero().flatten().tolist()
        assert seen == list(range(max(0, 8 - distance), 10 + distance + 1)), distance
    assert context[6].nonzero().flatten().tolist() == [8, 9]


def test_the_diagonal_bilstm_sees_everything_before() -> None:
    model = make(PixelRNNDiagonal, ImageSpec(1, 6, 20, 2), num_layers=1, input_kernel_size=3)
    assert torch.equal(model.receptive_field(5 * 20 + 2, model.own_order).flatten(), torch.arange(120) < 102)


@both
@pytest.mark.parametrize("image", [ImageSpec(1, 4, 5, 2), ImageSpec(3, 3, 4, 3)], ids=["grey", "colour"])
@pytest.mark.parametrize("batch", [1, 4])
def test_numpy_and_torch_arrays_give_the_same_conditionals(kind: type[PixelRNN], image: ImageSpec, batch: int) -> None:
    model = make(kind, image)
    images = np.zeros((batch, *image.shape), dtype=np.uint8)
    generator = np.random.default_rng(0)
    steppers = [
        model.open_stepper(images, ops, True) for ops in (NumpyOps(batch), TorchOps(batch, torch.device("cpu")))
    ]
    for step, (channel, row, column) in enumerate(model.own_order.tolist()):
        first, second = (stepper.logits(step).copy() for stepper in steppers)
        np.testing.assert_allclose(first, second, atol=1e-4)
        with torch.no_grad():
            expected = model.logits(torch.from_numpy(images), model.own_order)[:, channel, row, column]
        np.testing.assert_allclose(first, expected.numpy(), atol=1e-4)
        images[:, channel, row, column] = generator.integers(image.levels, size=batch)


@both
def test_a_torch_stepper_may_change_its_grad_mode(kind: type[PixelRNN]) -> None:
    image = ImageSpec(1, 3, 3, 2)
    model = make(kind, image)
    images = np.zeros((2, *image.shape), dtype=np.uint8)
    with torch.inference_mode():
        stepper = model.open_stepper(images, TorchOps(2, torch.device("cpu")), True)
        stepper.logits(2)
    expected = stepper.logits(6).copy()
    stepper.rewind(1)
    with torch.inference_mode():
        np.testing.assert_array_equal(stepper.logits(6), expected)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@both
@pytest.mark.parametrize("image", [ImageSpec(1, 6, 6, 2), ImageSpec(3, 3, 4, 4)], ids=["grey", "colour"])
def test_fast_equals_plain_on_a_gpu(kind: type[PixelRNN], image: ImageSpec) -> None:
    model = make(kind, image).cuda()
    fast = model.pixel_session(3, generator=torch.Generator("cuda").manual_seed(1))
    plain = model.plain_pixel_session(3, generator=torch.Generator("cuda").manual_seed(1))
    while fast.position is not None:
        assert torch.allclose(fast.conditional(), plain.conditional(), atol=1e-4)
        fast.place(plain.draw())
        plain.place(plain.draw())
    assert model.sample(2).device.type == "cuda"


@both
def test_256_levels_in_colour(kind: type[PixelRNN]) -> None:
    image = ImageSpec(3, 2, 2, 256)
    model = make(kind, image)
    session = model.pixel_session(2, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(session.conditional().sum(1), torch.ones(2))
    session.finish()
    assert torch.isfinite(model.log_prob(session.images)).all()


@both
@pytest.mark.parametrize("image", [ImageSpec(1, 1, 1, 2), ImageSpec(1, 1, 7, 2), ImageSpec(3, 7, 1, 2)])
def test_images_smaller_than_the_kernel(kind: type[PixelRNN], image: ImageSpec) -> None:
    model = make(kind, image)
    fast = model.sample(3, torch.Generator().manual_seed(0))
    plain = model.plain_pixel_session(3, generator=torch.Generator().manual_seed(0))
    plain.finish()
    assert torch.equal(fast, plain.images)
    assert torch.isfinite(model.log_prob(fast)).all()


@both
def test_a_single_row_has_no_weights_for_rows_above(kind: type[PixelRNN]) -> None:
    counts = [make(kind, ImageSpec(1, height, 5, 2)).num_parameters() for height in (1, 2)]
    assert counts[0] < counts[1]

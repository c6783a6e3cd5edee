"""Tests of Gated PixelCNN beyond the laws: no blind spot, both stacks, its sampler on every kind of array."""

from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from gmstudio.families import FAMILIES
from gmstudio.families.autoregressive.gated_pixelcnn.model import GatedPixelCNN, GatedPixelCNNStepper
from gmstudio.families.autoregressive.pixel_outputs import OutputName
from gmstudio.families.autoregressive.pixelcnn import PixelCNN
from gmstudio.nn.stepping.ops import NumpyOps, StepOps, TorchOps
from gmstudio.protocol.config import ConfigError, schema_of
from gmstudio.protocol.images import ImageSpec

SMALL = {"num_layers": 2, "num_channels": 4, "num_head_channels": 6}
GREY, COLOUR = ImageSpec(1, 4, 5, 2), ImageSpec(3, 3, 4, 3)


def make(image: ImageSpec, **values: Any) -> GatedPixelCNN:
    torch.manual_seed(3)
    model = GatedPixelCNN(GatedPixelCNN.Config(**{**SMALL, **values}), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.4 * torch.randn_like(parameter))
    return model


def test_it_is_registered_after_pixelcnn() -> None:
    assert FAMILIES["gated_pixelcnn"] is GatedPixelCNN
    names = list(FAMILIES)
    assert names.index("gated_pixelcnn") == names.index("pixelcnn") + 1


def test_its_config_is_described_and_checked() -> None:
    properties = schema_of(GatedPixelCNN.Config)["properties"]
    assert list(properties) == [f.name for f in msgspec.structs.fields(GatedPixelCNN.Config)]
    assert all(prop["title"] and prop["description"] for prop in properties.values())
    with pytest.raises(ConfigError, match="from 1 to 64"):
        make(GREY, num_layers=0)


@pytest.mark.parametrize("name", ["num_channels", "num_head_channels"])
def test_colour_needs_a_feature_for_each_colour_unless_the_output_orders_them(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is 2; colour images need 3 or more"):
        make(COLOUR, **{name: 2})
    make(COLOUR, output="logistic mixture", **{name: 2})


@pytest.mark.parametrize("corner", ["top left", "bottom right"])
@pytest.mark.parametrize("output", ["auto", "logistic mixture"])
@pytest.mark.parametrize("image", [ImageSpec(1, 6, 7, 3), ImageSpec(3, 4, 5, 3)], ids=["grey", "colour"])
@pytest.mark.parametrize("kernel_size", [3, 5])
def test_the_context_is_exactly_what_can_matter(
    image: ImageSpec, kernel_size: int, output: OutputName, corner: str
) -> None:
    model = make(image, kernel_size=kernel_size, input_kernel_size=3, num_layers=1, output=output, corner=corner)
    model = model.double()
    with torch.no_grad():  # no ReLU may close, or what matters would depend on the image
        for layer in (*(layer.out for layer in model.layers), model.head):
            layer.bias += 20.0
    order = model.check_order(None)
    x = torch.ones(2, *image.shape, dtype=torch.int64)
    x[1] = torch.randint(image.levels, image.shape, generator=torch.Generator().manual_seed(0))
    matters = torch.zeros(image.num_dims, *image.shape, dtype=torch.bool)
    with torch.no_grad():
        reference = model.logits(x, order).log_softmax(-1)
        for position in map(tuple, order.tolist()):
            changed = x.clone()
            changed[:, *position] = (changed[:, *position] + 1) % image.levels
            difference = (model.logits(changed, order).log_softmax(-1) - reference).abs().amax((0, -1))
            matters[:, *position] = difference[*order.T] > 0
    for step in range(image.num_dims):
        assert torch.equal(model.receptive_field(step, order), matters[step])


def test_there_is_no_blind_spot() -> None:
    image = ImageSpec(1, 16, 16, 2)
    gated = make(image, num_layers=12, input_kernel_size=3)
    masked = PixelCNN(PixelCNN.Config(num_blocks=12, input_kernel_size=3), image)
    step = 10 * 16 + 5
    seen, half_seen = (model.receptive_field(step, model.check_order(None)) for model in (gated, masked))
    assert seen[0, :10].all() and seen[0, 10, :5].all()
    assert not seen[0, 10, 5:].any() and not seen[0, 11:].any()
    assert not half_seen[0, 9, 7:].any()


@pytest.mark.parametrize("output", ["auto", "logistic mixture"])
@pytest.mark.parametrize("image", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("batch", [1, 4])
def test_numpy_and_torch_arrays_give_the_same_conditionals(image: ImageSpec, batch: int, output: OutputName) -> None:
    model = make(image, output=output)
    order = model.check_order(None)
    images = np.zeros((batch, *image.shape), dtype=np.uint8)
    generator = np.random.default_rng(0)
    operations: list[StepOps] = [NumpyOps(batch), TorchOps(batch, torch.device("cpu"))]
    steppers = [GatedPixelCNNStepper(model, images, ops) for ops in operations]
    for step, (channel, row, column) in enumerate(order.tolist()):
        first, second = (torch.from_numpy(stepper.logits(step).copy()).log_softmax(-1) for stepper in steppers)
        torch.testing.assert_close(first, second, atol=1e-4, rtol=0)
        with torch.no_grad():
            expected = model.logits(torch.from_numpy(images), order)[:, channel, row, column].log_softmax(-1)
        torch.testing.assert_close(first, expected, atol=1e-4, rtol=0)
        images[:, channel, row, column] = generator.integers(image.levels, size=batch)


def test_a_torch_stepper_may_change_its_grad_mode() -> None:
    image = ImageSpec(1, 4, 3, 2)
    model = make(image)
    images = np.zeros((2, *image.shape), dtype=np.uint8)
    with torch.inference_mode():
        stepper = GatedPixelCNNStepper(model, images, TorchOps(2, torch.device("cpu")))
        stepper.logits(2)
    expected = stepper.logits(9).copy()
    stepper.rewind(4)
    with torch.inference_mode():
        np.testing.assert_array_equal(stepper.logits(9), expected)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("output", ["auto", "logistic mixture"])
@pytest.mark.parametrize("image", [GREY, COLOUR], ids=["grey", "colour"])
def test_fast_equals_plain_on_a_gpu(image: ImageSpec, output: OutputName) -> None:
    model = make(image, output=output).cuda()
    fast = model.pixel_session(3, generator=torch.Generator("cuda").manual_seed(1))
    plain = model.plain_pixel_session(3, generator=torch.Generator("cuda").manual_seed(1))
    while fast.position is not None:
        assert torch.allclose(fast.conditional(), plain.conditional(), atol=1e-4)
        fast.place(plain.draw())
        plain.place(plain.draw())
    assert model.sample(2).device.type == "cuda"


@pytest.mark.parametrize("output", ["softmax", "logistic mixture"])
@pytest.mark.parametrize("image", [ImageSpec(1, 2, 3, 16), ImageSpec(1, 2, 2, 256), ImageSpec(3, 2, 2, 256)], ids=str)
def test_many_levels(image: ImageSpec, output: OutputName) -> None:
    model = make(image, output=output)
    session = model.pixel_session(2, generator=torch.Generator().manual_seed(0))
    total = torch.zeros(2)
    while session.position is not None:
        conditional, drawn = session.conditional(), session.draw()
        assert torch.allclose(conditional.sum(1), torch.ones(2))
        total += conditional.gather(1, drawn.unsqueeze(1)).squeeze(1).log()
        session.place(drawn)
    with torch.no_grad():
        torch.testing.assert_close(model.log_prob(session.images), total, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("corner", ["top right", "bottom left", "bottom right"])
def test_another_corner_is_the_mirrored_image(corner: str) -> None:
    here, there = make(COLOUR), make(COLOUR, corner=corner)
    axes = [axis for axis, name in ((-2, "bottom"), (-1, "right")) if name in corner]
    x = torch.randint(3, (4, *COLOUR.shape), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(there.log_prob(x.flip(axes)), here.log_prob(x))
    with torch.no_grad():
        samples = [model.sample(4, torch.Generator().manual_seed(0)) for model in (here, there)]
    assert torch.equal(samples[1].flip(axes), samples[0])
    with pytest.raises(ValueError, match=f"row by row from the {corner}"):
        there.log_prob(x, order=here.own_order)


def test_deep_vertical_stacks_are_heard_from_the_start() -> None:
    torch.manual_seed(0)
    model = GatedPixelCNN(GatedPixelCNN.Config(num_layers=12, input_kernel_size=3), ImageSpec(1, 12, 12, 2))
    x = torch.randint(2, (8, 1, 12, 12), generator=torch.Generator().manual_seed(0))
    stds: list[float] = []
    for layer in model.layers:
        layer.register_forward_hook(lambda _module, _inputs, outputs: stds.append(outputs[0].std().item()))
    with torch.no_grad():
        model.log_prob(x)
    assert min(stds[:-1]) > 0.05


@pytest.mark.parametrize("image", [ImageSpec(1, 1, 1, 2), ImageSpec(1, 1, 7, 2), ImageSpec(3, 7, 1, 2)], ids=str)
def test_images_smaller_than_the_kernel(image: ImageSpec) -> None:
    model = make(image)
    images = model.sample(3, torch.Generator().manual_seed(0))
    assert images.shape == (3, *image.shape)
    assert torch.isfinite(model.log_prob(images)).all()

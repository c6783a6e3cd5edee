"""Tests of PixelCNN beyond the laws: its masks, its blind spot, its sampler on every kind of array."""

import msgspec
import numpy as np
import pytest
import torch

from gmstudio.families import FAMILIES
from gmstudio.families.autoregressive.masked_conv import MaskedConv2d
from gmstudio.families.autoregressive.pixelcnn import PixelCNN, PixelCNNStepper
from gmstudio.families.autoregressive.raster import scale_levels
from gmstudio.nn.stepping.ops import NumpyOps, StepOps, TorchOps
from gmstudio.protocol.config import ConfigError, parse_config, schema_of
from gmstudio.protocol.images import ImageSpec

SMALL = {"num_blocks": 2, "num_channels": 4, "num_head_channels": 6}


def make(image: ImageSpec, **values: int) -> PixelCNN:
    torch.manual_seed(3)
    model = PixelCNN(PixelCNN.Config(**{**SMALL, **values}), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.4 * torch.randn_like(parameter))
    return model


def test_it_is_registered_under_its_card() -> None:
    assert FAMILIES["pixelcnn"] is PixelCNN
    assert PixelCNN.card.branch == ("Explicit density", "Tractable density", "Autoregressive")


@pytest.mark.filterwarnings("ignore:path is deprecated:DeprecationWarning")  # of ziamath, when it loads its font
def test_its_formulas_render() -> None:
    import ziamath

    for objective in PixelCNN.card.objectives:
        for latex in (objective.latex, *(term.latex for term in objective.terms)):
            assert ziamath.Latex(latex).svg().startswith("<svg")


def test_its_terms_can_be_shown_in_bits_per_dim() -> None:
    (objective,) = PixelCNN.card.objectives
    (loss,) = objective.terms
    assert (loss.name, loss.unit, loss.per_image_nats) == ("loss", "nats", True)


def test_its_config_is_described_and_checked() -> None:
    properties = schema_of(PixelCNN.Config)["properties"]
    assert list(properties) == [f.name for f in msgspec.structs.fields(PixelCNN.Config)]
    assert all(prop["title"] and prop["description"] for prop in properties.values())
    with pytest.raises(ConfigError, match="one of 3, 5, 7"):
        parse_config(PixelCNN.Config, {"kernel_size": 4})
    with pytest.raises(ConfigError, match="from 1 to 64"):
        PixelCNN(PixelCNN.Config(num_blocks=0), ImageSpec(1, 2, 2, 2))


@pytest.mark.parametrize("name", ["num_channels", "num_head_channels"])
def test_colour_needs_a_feature_for_each_colour(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is 2; colour images need 3 or more"):
        make(ImageSpec(3, 4, 4, 2), **{name: 2})
    make(ImageSpec(1, 4, 4, 2), **{name: 1})


def test_the_papers_network_has_the_papers_layers() -> None:
    model = PixelCNN(PixelCNN.Config(num_blocks=15, num_channels=16, num_head_channels=32), ImageSpec(1, 28, 28, 2))
    kernels = [layer.kernel_size for layer in model.modules() if isinstance(layer, MaskedConv2d)]
    assert kernels == [7] + [1, 3, 1] * 15 + [1, 1]
    assert model.input.weight.shape[0] == 32
    assert model.output.weight.shape[0] == 1  # a Bernoulli needs one logit


def test_levels_are_scaled_symmetrically() -> None:
    assert scale_levels(torch.arange(5), 5).tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]


@pytest.mark.parametrize("image", [ImageSpec(1, 6, 6, 2), ImageSpec(3, 4, 5, 2)], ids=["grey", "colour"])
@pytest.mark.parametrize("kernel_size", [3, 5])
def test_the_context_is_exactly_what_can_matter(image: ImageSpec, kernel_size: int) -> None:
    model = make(image, kernel_size=kernel_size, input_kernel_size=3, num_blocks=1).double()
    with torch.no_grad():
        for parameter in model.parameters():  # all positive: every path through the network adds to the output
            parameter.uniform_(0.5, 1.0)
    order = model.check_order(None)
    white = torch.ones(1, *image.shape, dtype=torch.int64)
    matters = torch.zeros(image.num_dims, *image.shape, dtype=torch.bool)
    with torch.no_grad():
        reference = model.logits(white, order)
        for position in map(tuple, order.tolist()):
            changed = white.clone()
            changed[0, *position] = 0
            difference = (model.logits(changed, order) - reference).abs().sum(-1)[0]
            matters[:, *position] = difference[*order.T] > 1e-9
    for step in range(image.num_dims):
        assert torch.equal(model.receptive_field(step, order), matters[step])


def test_the_blind_spot_is_there_at_any_depth() -> None:
    model = make(ImageSpec(1, 16, 16, 2), num_blocks=30, input_kernel_size=3)
    step = 10 * 16 + 5
    context = model.receptive_field(step, model.check_order(None))[0]
    assert context[9, 6] and not context[9, 7:].any()
    assert context[8, 7] and not context[8, 8:].any()
    assert context[10, :5].all() and not context[10, 5:].any()
    assert context[:9, :6].all()


@pytest.mark.parametrize("image", [ImageSpec(1, 4, 5, 2), ImageSpec(3, 3, 4, 3)], ids=["grey", "colour"])
@pytest.mark.parametrize("batch", [1, 4])
def test_numpy_and_torch_arrays_give_the_same_conditionals(image: ImageSpec, batch: int) -> None:
    model = make(image)
    order = model.check_order(None)
    images = np.zeros((batch, *image.shape), dtype=np.uint8)
    generator = np.random.default_rng(0)
    operations: list[StepOps] = [NumpyOps(batch), TorchOps(batch, torch.device("cpu"))]
    steppers = [PixelCNNStepper(model, images, ops) for ops in operations]
    for step, (channel, row, column) in enumerate(order.tolist()):
        first, second = (stepper.logits(step).copy() for stepper in steppers)
        np.testing.assert_allclose(first, second, atol=1e-4)
        with torch.no_grad():
            expected = model.logits(torch.from_numpy(images), order)[:, channel, row, column]
        np.testing.assert_allclose(first, expected.numpy(), atol=1e-4)
        images[:, channel, row, column] = generator.integers(image.levels, size=batch)


def test_a_torch_stepper_may_change_its_grad_mode() -> None:
    image = ImageSpec(1, 3, 3, 2)
    model = make(image)
    images = np.zeros((2, *image.shape), dtype=np.uint8)
    with torch.inference_mode():
        stepper = PixelCNNStepper(model, images, TorchOps(2, torch.device("cpu")))
        stepper.logits(2)
    expected = stepper.logits(6).copy()
    stepper.rewind(1)
    with torch.inference_mode():
        np.testing.assert_array_equal(stepper.logits(6), expected)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("image", [ImageSpec(1, 6, 6, 2), ImageSpec(3, 3, 4, 4)], ids=["grey", "colour"])
def test_fast_equals_plain_on_a_gpu(image: ImageSpec) -> None:
    model = make(image).cuda()
    fast = model.pixel_session(3, generator=torch.Generator("cuda").manual_seed(1))
    plain = model.plain_pixel_session(3, generator=torch.Generator("cuda").manual_seed(1))
    while fast.position is not None:
        assert torch.allclose(fast.conditional(), plain.conditional(), atol=1e-4)
        fast.place(plain.draw())
        plain.place(plain.draw())
    assert model.sample(2).device.type == "cuda"


def test_given_pixels_need_no_look() -> None:
    image = ImageSpec(1, 5, 5, 2)
    model = make(image)
    x = torch.randint(2, (2, *image.shape), generator=torch.Generator().manual_seed(0))
    looked, blind = model.pixel_session(2), model.pixel_session(2)
    for _ in range(13):
        value = x[:, *looked.position]
        looked.conditional()
        looked.place(value)
        blind.place(value)
    assert torch.equal(looked.conditional(), blind.conditional())


def test_a_session_for_sampling_only_refuses_to_rewind() -> None:
    model = make(ImageSpec(1, 3, 3, 2))
    session = model.pixel_session(1, rewindable=False)
    session.place(session.draw())
    with pytest.raises(ValueError, match="rewindable"):
        session.rewind(0)


def test_256_levels_in_colour() -> None:
    image = ImageSpec(3, 2, 2, 256)
    model = make(image)
    session = model.pixel_session(2, generator=torch.Generator().manual_seed(0))
    assert session.conditional().shape == (2, 256)
    assert torch.allclose(session.conditional().sum(1), torch.ones(2))
    session.finish()
    assert torch.isfinite(model.log_prob(session.images)).all()


@pytest.mark.parametrize("image", [ImageSpec(1, 1, 1, 2), ImageSpec(1, 1, 7, 2), ImageSpec(3, 7, 1, 2)])
def test_images_smaller_than_the_kernel(image: ImageSpec) -> None:
    model = make(image)
    images = model.sample(3, torch.Generator().manual_seed(0))
    assert images.shape == (3, *image.shape)
    assert torch.isfinite(model.log_prob(images)).all()


def test_settings_of_runs_before_there_were_outputs_and_corners_still_mean_the_same() -> None:
    image = ImageSpec(3, 3, 4, 5)
    before = make(image)
    assert (before.config.output, before.config.corner) == ("auto", "top left")
    assert before.own_order.tolist() == [[c, y, x] for y in range(3) for x in range(4) for c in range(3)]
    now = PixelCNN(PixelCNN.Config(**SMALL, output="softmax", num_mixtures=9), image)
    now.load_state_dict(before.state_dict())
    x = torch.randint(5, (2, *image.shape), generator=torch.Generator().manual_seed(0))
    assert torch.equal(now.log_prob(x), before.log_prob(x))

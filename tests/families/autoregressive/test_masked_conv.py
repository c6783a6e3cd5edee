"""Masks against the definition, the convolution against a full one, the seen region against the convolution."""

import pytest
import torch
from torch.nn import functional

from gmstudio.families.autoregressive.masked_conv import (
    CausalReach,
    MaskedConv2d,
    MaskKind,
    causal_mask,
    colour_groups,
    group_slices,
)


@pytest.mark.parametrize(
    ("num_features", "num_groups", "expected"),
    [(3, 3, [0, 1, 2]), (7, 3, [0, 0, 0, 1, 1, 2, 2]), (4, 1, [0] * 4), (6, 3, [0, 0, 1, 1, 2, 2])],
)
def test_colours_get_equal_consecutive_groups(num_features: int, num_groups: int, expected: list[int]) -> None:
    assert colour_groups(num_features, num_groups).tolist() == expected


@pytest.mark.parametrize(("num_features", "num_groups"), [(3, 3), (16, 3), (32, 3), (5, 3), (9, 1)])
def test_slices_and_groups_agree(num_features: int, num_groups: int) -> None:
    groups = colour_groups(num_features, num_groups)
    for colour, rows in enumerate(group_slices(num_features, num_groups)):
        assert (groups[rows] == colour).all()
        assert (groups == colour).sum() == rows.stop - rows.start > 0


def test_the_outputs_of_a_softmax_belong_to_their_channel() -> None:
    assert colour_groups(3 * 256, 3).tolist() == [channel for channel in range(3) for _ in range(256)]


def test_too_few_features_are_refused() -> None:
    with pytest.raises(ValueError, match="2 features cannot be divided among 3 colours"):
        colour_groups(2, 3)


def test_mask_a_and_b_by_hand() -> None:
    one = torch.zeros(1, dtype=torch.int64)
    assert causal_mask("A", one, one, 3)[0, 0].int().tolist() == [[1, 1, 1], [1, 0, 0]]
    assert causal_mask("B", one, one, 3)[0, 0].int().tolist() == [[1, 1, 1], [1, 1, 0]]


def test_colour_masks_by_hand() -> None:
    rgb = torch.arange(3)
    assert causal_mask("A", rgb, rgb, 1)[:, :, 0, 0].int().tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0]]
    assert causal_mask("B", rgb, rgb, 1)[:, :, 0, 0].int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert causal_mask("A", rgb, rgb, 3)[:, :, 0].all()  # the row above shows all colours


@pytest.mark.parametrize("num_features", [3, 4])
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("num_groups", [1, 3])
@pytest.mark.parametrize("batch_last", [False, True])
def test_it_is_a_full_convolution_with_zeros(
    num_features: int, kernel_size: int, num_groups: int, batch_last: bool
) -> None:
    layer = MaskedConv2d("B", num_features, 5, kernel_size, num_groups, batch_last=batch_last)
    x = torch.randn(2, num_features, 6, 7, requires_grad=True)
    full = functional.pad(layer.masked_weight(), (0, 0, 0, kernel_size // 2))
    expected = functional.conv2d(x, full, layer.bias, padding=kernel_size // 2)
    found, upstream = layer(x), torch.randn_like(expected)
    torch.testing.assert_close(found, expected)
    leaves = (x, layer.weight, layer.bias)
    for one, other in zip(
        torch.autograd.grad(found, leaves, upstream), torch.autograd.grad(expected, leaves, upstream), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_hidden_weights_cannot_matter() -> None:
    layer = MaskedConv2d("A", 3, 6, 5, 3)
    x = torch.randn(1, 3, 4, 4)
    before = layer(x)
    with torch.no_grad():
        layer.weight[~layer.mask] = 100.0
    assert torch.equal(layer(x), before)


@pytest.mark.parametrize("kind", ["A", "B"])
def test_initial_weights_suit_what_is_visible(kind: MaskKind) -> None:
    torch.manual_seed(0)
    layer = MaskedConv2d(kind, 30, 300, 3, 3)
    out = layer(torch.randn(4, 30, 8, 8))[:, :, 2:-2, 2:-2]
    for rows in group_slices(300, 3):  # unit inputs through uniform weights within 1/√n: standard deviation 1/√3
        assert out[:, rows].std().item() == pytest.approx(3**-0.5, rel=0.2)


def test_an_even_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="odd, not 4"):
        MaskedConv2d("A", 1, 1, 4)


def test_the_state_holds_no_mask() -> None:
    assert set(MaskedConv2d("A", 1, 4, 3).state_dict()) == {"weight", "bias"}


@pytest.mark.parametrize("num_groups", [1, 3])
@pytest.mark.parametrize(
    "layers", [[("A", 3)], [("A", 7), ("B", 3)], [("A", 3), ("B", 5)], [("A", 3), ("B", 3), ("B", 3), ("B", 3)]]
)
def test_what_is_seen_is_what_positive_weights_reach(num_groups: int, layers: list[tuple[MaskKind, int]]) -> None:
    height, width = 5, 6
    reach = CausalReach(num_groups, height, width, layers)
    convolutions = [MaskedConv2d(kind, num_groups, num_groups, size, num_groups) for kind, size in layers]
    x = torch.zeros(1, num_groups, height, width, requires_grad=True)
    out = x
    for convolution in convolutions:
        torch.nn.init.constant_(convolution.weight, 1.0)
        out = convolution(out)
    for channel in range(num_groups):
        for row in range(height):
            for column in range(width):
                (gradient,) = torch.autograd.grad(out[0, channel, row, column], x, retain_graph=True)
                assert torch.equal(reach.seen_from(channel, row, column), gradient[0] > 0)

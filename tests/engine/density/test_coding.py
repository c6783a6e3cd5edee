"""Lossless coding: round trips of every autoregressive family, and sizes beside −log₂ p."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from gmstudio.engine.density.coding import (
    FLOOR_BITS,
    MAX_IMAGES,
    Advance,
    Coding,
    CodingError,
    Encoded,
    coder_model,
    decode,
    encode,
    ideal_bits,
    labels_for,
)
from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from tests.autoregressive_cases import CASES, make

SPECS = {
    "binary": ImageSpec(1, 6, 5, 2),
    "grey4": ImageSpec(1, 5, 6, 4),
    "grey256": ImageSpec(1, 4, 5, 256),
    "rgb2": ImageSpec(3, 4, 5, 2),
    "rgb8": ImageSpec(3, 3, 4, 8),
}


def encoded(coding: Coding, images: Any) -> Encoded:
    *steps, code = encode(coding, images)
    assert all(isinstance(step, Advance) for step in steps)
    assert isinstance(code, Encoded)
    return code


def decoded(coding: Coding, words: Any, count: int) -> Any:
    *_steps, images = decode(coding, words, count)
    return images


def check_round_trip(coding: Coding, images: Any) -> Encoded:
    code = encoded(coding, images)
    assert np.array_equal(decoded(coding, code.words, len(images)), images)
    *_, bits = ideal_bits(coding, images)
    assert bits is not None
    if not code.floored:
        assert float(code.bits.sum()) == pytest.approx(float(bits.sum()), rel=1e-3)
    ideal = float(code.bits.sum()) if code.floored else float(bits.sum())
    assert abs(32 * len(code.words) - ideal) <= 0.01 * ideal + 64
    return code


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(("family", "number", "values"), CASES, ids=[f"{name}-{number}" for name, number, _ in CASES])
def test_images_come_back_bit_for_bit_in_the_size_of_their_information(
    family: str, number: int, values: dict[str, Any], spec: str
) -> None:
    image = SPECS[spec]
    try:
        model = make(family, values, image)
    except ValueError as error:
        pytest.skip(f"the family has no such model: {error}")
    likely = model.sample(7, torch.Generator().manual_seed(0)).numpy()
    code = check_round_trip(Coding(coder_model(model), group=4), likely)
    assert not code.floored
    noise = np.random.default_rng(number).integers(0, image.levels, (3, *image.shape)).astype(np.uint8)
    check_round_trip(Coding(coder_model(model), group=4), noise)


@pytest.mark.parametrize("order", ["snake", "spiral", "random"])
def test_a_model_for_any_order_codes_in_the_order_that_is_chosen(order: str) -> None:
    model = make("nade", {"num_hidden": 7, "order_agnostic": True}, SPECS["grey4"])
    images = np.random.default_rng(0).integers(0, 4, (5, 1, 5, 6)).astype(np.uint8)
    check_round_trip(Coding(coder_model(model), order, order_seed=3), images)
    with pytest.raises(ValueError, match="no order 'zigzag'"):
        encoded(Coding(coder_model(model), "zigzag"), images)
    with pytest.raises(ValueError, match="generates in"):
        encoded(
            Coding(coder_model(make("pixelcnn", {"num_blocks": 1, "num_channels": 4}, SPECS["grey4"])), order), images
        )


def test_labels_condition_the_code() -> None:
    family = FAMILIES["gated_pixelcnn"]
    config = family.Config(num_layers=2, num_channels=5, num_head_channels=4, num_classes=3)
    torch.manual_seed(0)
    model: Any = family(config, SPECS["binary"])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.5 * torch.randn_like(parameter))
    model.trained_labels = (0, 2)
    images = np.random.default_rng(0).integers(0, 2, (6, 1, 6, 5)).astype(np.uint8)
    labels = labels_for(model, np.array([0, 1, 2, 0, 7, 2]))
    assert labels is not None
    assert labels.tolist() == [0, -1, 2, 0, -1, 2]
    check_round_trip(Coding(coder_model(model), labels=labels), images)
    other = Coding(coder_model(model), labels=np.full(6, 2))
    assert not np.array_equal(encoded(other, images).bits, encoded(Coding(coder_model(model)), images).bits)
    assert labels_for(make("fvbn", {}, SPECS["binary"]), labels) is None


def test_a_value_without_probability_costs_24_bits() -> None:
    model = make("fvbn", {}, SPECS["binary"], spread=0.0)
    with torch.no_grad():
        model.weight_FDD.zero_()
        model.bias_FD.fill_(-400.0)
    images = np.ones((2, 1, 6, 5), np.uint8)
    coding = Coding(coder_model(model))
    code = encoded(coding, images)
    assert code.floored == 60
    assert (code.bits == FLOOR_BITS).all()
    assert 32 * len(code.words) == pytest.approx(60 * FLOOR_BITS, abs=64)
    assert np.array_equal(decoded(coding, code.words, 2), images)
    *_, bits = ideal_bits(coding, images)
    assert bits is not None
    assert bits.sum() > 60 * 500


def test_the_code_is_the_same_with_any_number_of_threads() -> None:
    model = make("pixelrnn_row", {"num_layers": 2, "num_channels": 8, "num_head_channels": 8}, SPECS["grey4"])
    images = np.random.default_rng(0).integers(0, 4, (9, 1, 5, 6)).astype(np.uint8)
    before = torch.get_num_threads()
    try:
        codes = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            codes.append(encoded(Coding(coder_model(model)), images))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(codes[0].words, codes[1].words)


def test_a_pixel_costs_its_surprisal() -> None:
    model = make("made", {"num_hidden": 20, "num_layers": 1}, SPECS["grey4"])
    images = np.random.default_rng(0).integers(0, 4, (3, 1, 5, 6)).astype(np.uint8)
    code = encoded(Coding(coder_model(model)), images)
    with torch.inference_mode():
        nats = model.log_prob_per_dim(torch.from_numpy(images), model.own_order)
    assert np.allclose(code.bits, -nats.numpy() / math.log(2), atol=1e-4)


def test_what_cannot_be_coded_is_refused_with_a_sentence() -> None:
    model = make("fvbn", {}, SPECS["binary"])
    with pytest.raises(ValueError, match=f"0 images cannot be coded.*1 to {MAX_IMAGES:,}"):
        encoded(Coding(coder_model(model)), np.zeros((0, 1, 6, 5), np.uint8))
    with pytest.raises(ValueError, match=r"do not fit this model"):
        encoded(Coding(coder_model(model)), np.zeros((1, 1, 5, 6), np.uint8))
    with pytest.raises(ValueError, match=r"accepts 0 to 1"):
        encoded(Coding(coder_model(model)), np.full((1, 1, 6, 5), 2, np.uint8))
    with pytest.raises(ValueError, match=r"no exact conditionals.*PixelCNN"):
        coder_model(FAMILIES["vae"](FAMILIES["vae"].Config(), ImageSpec(1, 8, 8, 2)))
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(ValueError, match="probabilities are NaN"):
        encoded(Coding(coder_model(model)), np.zeros((1, 1, 6, 5), np.uint8))


def test_bits_of_no_symbol_end_the_decoding() -> None:
    coding = Coding(coder_model(make("fvbn", {}, SPECS["binary"])))
    words = np.full(40, 0xFFFFFFFF, np.uint32)
    with pytest.raises(CodingError, match="its bits do not fit"):
        decoded(coding, words, 20)

"""Feature spaces: a classifier that is trained once, pixels, random convolutions, Inception from a file of the user."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from gmstudio import data
from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.density.quality import classifier as settings
from gmstudio.engine.density.quality import spaces
from gmstudio.engine.density.quality.inception import NUM_FEATURES, FrechetInception, differences_of, load_inception
from gmstudio.engine.density.quality.spaces import Space, classifier_of, classifier_path, open_space, refuse_classifier
from gmstudio.protocol.density_samples import SampleSpace

CPU = torch.device("cpu")


def finished(pieces: Any) -> Any:
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            return end.value


@pytest.fixture
def digits(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setattr(settings, "STEPS", 300)
    return data.load("digits", {"levels": 16})


def space_of(spec: SampleSpace, dataset: Dataset, trained: Any = None) -> Space:
    found: Space = finished(open_space(spec, dataset, trained, CPU))
    return found


def test_the_classifier_is_trained_once_and_says_its_accuracy(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    first = finished(classifier_of(digits, CPU))
    assert first.accuracy > 0.9 and classifier_path(digits).is_file() and not first.warning

    def refuse(*_args: Any, **_options: Any) -> Any:
        raise AssertionError("it is trained again")

    monkeypatch.setattr(spaces, "train_classifier", refuse)
    second = finished(classifier_of(digits, CPU))
    assert second.accuracy == first.accuracy
    images = torch.from_numpy(digits.valid.images[:20])
    assert torch.equal(first.network.features(images), second.network.features(images))
    space = space_of(SampleSpace(), digits, second)
    assert space.title == f"classifier of Digits 8×8, 128 features, {100 * first.accuracy:.1f} %"


def test_other_images_have_a_classifier_of_their_own(digits: Dataset) -> None:
    assert classifier_path(digits) != classifier_path(data.load("digits", {"levels": 4}))
    assert classifier_path(digits) == classifier_path(data.load("digits", {"levels": 16}))


def test_a_damaged_classifier_is_trained_again(digits: Dataset) -> None:
    path = classifier_path(digits)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no weights")
    assert finished(classifier_of(digits, CPU)).accuracy > 0.9
    assert len(safetensors.torch.load(path.read_bytes())) > 5


def test_features_are_scaled_to_mean_square_one(digits: Dataset) -> None:
    trained = finished(classifier_of(digits, CPU))
    for space in (space_of(SampleSpace(), digits, trained), space_of(SampleSpace(kind="random"), digits)):
        features = finished(space.extract(lambda rows: digits.train.images[rows], 500, "features"))
        assert features.shape == (500, 128) and 0.7 < float(features.square().mean()) < 1.4


def test_pixels_are_shares_of_the_largest_level(digits: Dataset) -> None:
    space = space_of(SampleSpace(kind="pixels"), digits)
    features = finished(space.extract(lambda rows: digits.train.images[rows], 100, "features"))
    assert space.title == "pixels, 64 features"
    assert np.allclose(features.numpy(), digits.train.images[:100].reshape(100, -1) / 15)


def test_images_without_classes_are_refused_in_a_sentence(digits: Dataset) -> None:
    bare = Dataset(
        "digits", digits.config, digits.image, Split(digits.train.images), Split(digits.valid.images), digits.test
    )
    assert "have no labels" in refuse_classifier(bare) and "random convolutions" in refuse_classifier(bare)
    assert digits.train.labels is not None
    chosen = digits.train.labels == 3
    one = Split(digits.train.images[chosen], digits.train.labels[chosen])
    single = Dataset("digits", digits.config, digits.image, one, digits.valid, digits.test)
    assert "have one label only (3)" in refuse_classifier(single)
    with pytest.raises(ValueError, match="labels of two classes"):
        finished(classifier_of(single, CPU))


# ---- Inception -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    """Random weights with the names and shapes of the network, and those parts of the port that it does not need."""
    torch.manual_seed(0)
    network = FrechetInception()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.data.uniform_(0.5, 1.5)  # type: ignore[union-attr]
    arrays = {name: value for name, value in network.state_dict().items() if "num_batches" not in name}
    return arrays | {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}


def test_the_network_has_the_names_and_shapes_of_the_port(weights: dict[str, torch.Tensor]) -> None:
    assert weights["Conv2d_1a_3x3.conv.weight"].shape == (32, 3, 3, 3)
    assert weights["Mixed_5b.branch_pool.conv.weight"].shape == (32, 192, 1, 1)
    assert weights["Mixed_6b.branch7x7dbl_5.conv.weight"].shape == (192, 128, 1, 7)
    assert weights["Mixed_7a.branch7x7x3_4.bn.running_var"].shape == (192,)
    assert weights["Mixed_7c.branch3x3dbl_3b.conv.weight"].shape == (384, 384, 3, 1)
    trained = [name for name in weights if "running" not in name and not name.startswith("fc.")]
    assert sum(weights[name].numel() for name in trained) == 21_785_568


def test_weights_are_read_from_safetensors_and_give_features(
    digits: Dataset, weights: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    file = tmp_path / "inception.safetensors"
    safetensors.torch.save_file(weights, file)
    space = space_of(SampleSpace(kind="inception", weights=str(file)), digits)
    assert space.title == f"Inception-v3 pool3 of inception.safetensors, {NUM_FEATURES:,} features"
    features = finished(space.extract(lambda rows: digits.test.images[rows], 2, "features"))
    network = FrechetInception()
    network.load_state_dict(weights, strict=False)
    grey = torch.from_numpy(digits.test.images[:2]).float() / 15
    with torch.inference_mode():
        assert torch.allclose(features, network.eval()(grey.repeat(1, 3, 1, 1)), atol=1e-4)
    assert features.shape == (2, NUM_FEATURES) and math.isfinite(float(features.sum()))


def test_a_pickle_needs_consent_and_executes_nothing(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    file = tmp_path / "inception.pth"
    torch.save(weights, file)
    with pytest.raises(ValueError, match=r"inception\.pth is a pickle"):
        load_inception(str(file), pickled=False)
    assert torch.equal(
        load_inception(str(file), pickled=True).Conv2d_1a_3x3.conv.weight, weights["Conv2d_1a_3x3.conv.weight"]
    )
    witness = tmp_path / "executed"

    class Harmful:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (witness,))

    torch.save({"weight": Harmful()}, file)
    with pytest.raises(ValueError, match="could not be read as weights"):
        load_inception(str(file), pickled=True)
    assert not witness.exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("missing", "Mixed_7c.branch_pool.bn.bias is missing"),
        ("shape", "Conv2d_1a_3x3.conv.weight has shape (64, 3, 7, 7), not (32, 3, 3, 3)"),
        ("unknown", "layer1.0.conv1.weight is unknown"),
    ],
)
def test_other_weights_differ_in_a_phrase(weights: dict[str, torch.Tensor], change: str, sentence: str) -> None:
    shapes = {name: tuple(array.shape) for name, array in weights.items() if not name.startswith("fc.")}
    assert not differences_of(shapes)
    if change == "missing":
        del shapes["Mixed_7c.branch_pool.bn.bias"]
    elif change == "shape":
        shapes["Conv2d_1a_3x3.conv.weight"] = (64, 3, 7, 7)
    else:
        shapes["layer1.0.conv1.weight"] = (3,)
    assert differences_of(shapes) == [sentence]


def test_another_network_is_refused_with_the_first_differences(tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"layer1.0.conv1.weight": torch.zeros(3)}, file)
    with pytest.raises(ValueError, match=r"Conv2d_1a_3x3\.conv\.weight is missing.* and \d+ more"):
        load_inception(str(file), pickled=False)


def test_what_is_no_file_of_weights_is_refused(tmp_path: Path) -> None:
    for path, sentence in (
        ("", "No file of Inception weights"),
        (str(tmp_path / "gone.safetensors"), "There is no file"),
        (str(tmp_path / "weights.onnx"), "is no file of weights"),
    ):
        with pytest.raises(ValueError, match=sentence):
            load_inception(path, pickled=True)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ...")
    with pytest.raises(ValueError, match=r"broken\.safetensors"):
        load_inception(str(broken), pickled=False)

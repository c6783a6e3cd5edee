"""Features of many images: in pieces, kept by their content, baselines, and what is refused."""

import importlib
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from one_run import OneRun

from gmstudio import data
from gmstudio.engine.features import extraction
from gmstudio.engine.features.extraction import (
    FeatureStore,
    SpaceFeatures,
    extract,
    features_of,
    images_digest,
    pixels_of,
    store_of,
)
from gmstudio.engine.features.layers import layer_of
from gmstudio.engine.features.probing_handlers import ProbingFeature
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.features import FeatureLayersListed, FeatureSpace, ListFeatureLayers
from gmstudio.protocol.images import ImageSpec

DIGITS = data.load("digits", {"levels": 4})


def vae(seed: int = 0, image: ImageSpec = DIGITS.image) -> Family:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FAMILIES["vae"](FAMILIES["vae"].Config(num_hidden=16, num_latent=3), image).eval()


def last(pieces: Iterator[Any]) -> Any:
    *_, found = pieces
    return found


def computed(context: EngineContext, space: FeatureSpace, images: Any, **settings: Any) -> SpaceFeatures:
    found = last(features_of(context, space, images, DIGITS.image, **settings))
    assert isinstance(found, SpaceFeatures)
    return found


def test_features_are_those_of_one_pass() -> None:
    model, images = vae(), DIGITS.train.images[:300]
    pieces = list(extract(model, layer_of(model, "code"), images))
    assert len(pieces) > 2 and all(piece is None for piece in pieces[:-1])
    with torch.no_grad():
        whole = cast(Any, model).encode(torch.from_numpy(images))
    assert pieces[-1] is not None and pieces[-1].dtype == np.float32
    np.testing.assert_allclose(pieces[-1], whole.numpy(), rtol=1e-5, atol=1e-6)


def test_features_are_kept_until_weights_or_images_change(monkeypatch: pytest.MonkeyPatch) -> None:
    context, images = OneRun(vae()), DIGITS.test.images[:20]
    calls: list[int] = []
    original = extraction.extract

    def counted(*args: Any) -> Any:
        calls.append(1)
        return original(*args)

    monkeypatch.setattr(extraction, "extract", counted)
    space = FeatureSpace(run="/runs/vae", layer="code")
    first = computed(context, space, images)
    assert computed(context, space, images.copy()).values is first.values and len(calls) == 1
    assert first.title == "VAE, Posterior mean, 3 dimensions" and first.weights_step == 7
    context.own = vae(seed=1)
    assert not np.array_equal(computed(context, space, images).values, first.values)
    computed(context, space, images[1:])
    computed(context, FeatureSpace(run="/runs/vae", layer="hidden1"), images)
    assert len(calls) == 4


def test_images_of_other_levels_or_size_are_converted_with_a_sentence() -> None:
    images = DIGITS.test.images[:40]
    fine = ImageSpec(channels=1, height=8, width=8, levels=256)
    model = vae(image=fine)
    found = computed(OneRun(model), FeatureSpace(run="r", layer="code"), images)
    expected = last(extract(model, layer_of(model, "code"), images * 85))
    assert np.array_equal(found.values, expected)
    assert len(found.warnings) == 1 and "Converted from 8×8" in found.warnings[0]
    large = vae(image=ImageSpec(channels=1, height=16, width=16, levels=4))
    assert computed(OneRun(large), FeatureSpace(run="r", layer="code"), images).values.shape == (40, 3)
    assert computed(OneRun(vae()), FeatureSpace(run="r", layer="code"), images).warnings == ()


def test_rows_of_points_are_not_converted_to_pictures() -> None:
    points = OneRun(vae(image=ImageSpec(channels=1, height=1, width=2, levels=64)))
    with pytest.raises(ValueError, match="rows of points or of a sequence are no picture"):
        computed(points, FeatureSpace(run="r", layer="code"), DIGITS.test.images[:4])


def test_the_store_stays_within_its_limit() -> None:
    store = FeatureStore(1000)
    values = [np.zeros((10, 10), np.float32) for _ in range(4)]
    for number, one in enumerate(values):
        store.put((number,), one)
    assert store.get((0,)) is None and store.get((3,)) is values[3] and store.num_bytes == 800
    store.put(("large",), np.zeros((30, 10), np.float32))
    assert store.get(("large",)) is None and store.num_bytes == 800


def test_each_engine_has_a_store_of_its_own() -> None:
    first, second = OneRun(vae()), OneRun(vae())
    assert store_of(first) is store_of(first) is not store_of(second)


def test_a_run_in_training_is_examined_as_it_is_now() -> None:
    context = OneRun(vae())
    context.training = cast(Any, SimpleNamespace(name="/runs/vae", model=context.own))
    pieces = features_of(context, FeatureSpace(run="/runs/vae", layer="code"), DIGITS.train.images[:200], DIGITS.image)
    next(pieces)
    with torch.no_grad():
        for parameter in context.own.parameters():
            parameter.mul_(3.0)
    found = last(pieces)
    context.own.load_state_dict(vae().state_dict())
    whole = last(extract(context.own, layer_of(context.own, "code"), DIGITS.train.images[:200]))
    np.testing.assert_allclose(found.values, whole, rtol=1e-5, atol=1e-6)


def test_pixels_are_grey_values() -> None:
    context, images = OneRun(vae()), DIGITS.test.images[:5]
    found = computed(context, FeatureSpace(layer="pixels"), images)
    np.testing.assert_allclose(found.values, images.reshape(5, -1) / 3.0, rtol=1e-6)
    assert (found.title, found.weights_step) == ("Pixels, 64 dimensions", -1)


def test_principal_components_are_those_of_the_training_images() -> None:
    context, train, images = OneRun(vae()), DIGITS.train.images, DIGITS.test.images[:30]
    found = computed(context, FeatureSpace(layer="pca", num_dims=9), images, train=train)
    library = importlib.import_module("sklearn.decomposition")
    fitted = library.PCA(9, random_state=0).fit(pixels_of(train, DIGITS.image))
    expected = fitted.transform(pixels_of(images, DIGITS.image))
    np.testing.assert_allclose(found.values, expected, atol=1e-4)
    assert found.title == "PCA, 9 principal components"
    assert computed(context, FeatureSpace(layer="pca"), images, train=train).values.shape == (30, 50)
    assert computed(context, FeatureSpace(layer="pca"), images[:4], train=train[:8]).values.shape == (4, 8)


@pytest.mark.parametrize(
    ("space", "count", "words"),
    [
        (FeatureSpace(layer="pca", num_dims=65), 100, r"65 principal components of 100 images .* choose 1 to 64"),
        (FeatureSpace(layer="code"), 100, "no baseline 'code'; choose pixels or pca"),
        (FeatureSpace(layer="pixels"), 0, "no images"),
        (FeatureSpace(run="/runs/vae", layer="deep"), 3, "no layer 'deep'"),
    ],
)
def test_what_cannot_be_computed_is_refused(space: FeatureSpace, count: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        computed(OneRun(vae()), space, DIGITS.train.images[:count])


def test_images_that_do_not_fit_are_refused() -> None:
    model = vae()
    layer = layer_of(model, "code")
    with pytest.raises(ValueError, match=r"shape \(1, 2, 2\); VAE needs \(1, 8, 8\)"):
        last(extract(model, layer, np.zeros((3, 1, 2, 2), np.uint8)))
    with pytest.raises(ValueError, match=r"level 200; the levels of VAE are 0 … 3"):
        last(extract(model, layer, np.full((3, 1, 8, 8), 200, np.uint8)))


def test_too_many_features_are_refused_before_memory_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "MAX_BYTES", 100)
    model = vae()
    with pytest.raises(ValueError, match=r"9 images with 3 features each .* Use fewer images"):
        last(extract(model, layer_of(model, "code"), DIGITS.test.images[:9]))
    for layer in ("pixels", "pca"):
        with pytest.raises(ValueError, match=r"9 images with 64 features each .* Use fewer images"):
            computed(OneRun(model), FeatureSpace(layer=layer), DIGITS.test.images[:9])


def test_pixels_are_computed_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of 60,000 images take a tenth of a second."""
    found: list[threading.Thread] = []

    def noted(images: np.ndarray, image: ImageSpec) -> np.ndarray:
        found.append(threading.current_thread())
        return np.zeros((len(images), image.num_dims), np.float32)

    monkeypatch.setattr(extraction, "pixels_of", noted)
    computed(OneRun(vae()), FeatureSpace(layer="pixels"), DIGITS.test.images[:9])
    assert found and threading.main_thread() not in found


def test_values_that_are_not_finite_are_named() -> None:
    model = vae()
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(ValueError, match="of 4 of the 4 images has values that are not finite"):
        last(extract(model, layer_of(model, "code"), DIGITS.test.images[:4]))


def test_digests_tell_shapes_apart() -> None:
    images = np.zeros((4, 1, 2, 2), np.uint8)
    assert images_digest(images) != images_digest(images.reshape(2, 2, 2, 2))


def test_layers_of_a_run_are_listed() -> None:
    context = OneRun(vae())
    command = ListFeatureLayers(request=3, run="/runs/vae")
    ProbingFeature(context).handlers()[ListFeatureLayers](command)
    (event,) = context.sent
    assert isinstance(event, FeatureLayersListed) and event.request == 3
    assert [layer.name for layer in event.layers] == ["hidden1", "code"]

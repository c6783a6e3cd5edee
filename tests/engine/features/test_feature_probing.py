"""Linear probes and neighbours against scikit-learn's own, the choice of labelled images, and what is refused."""

import importlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from one_run import OneRun

from gmstudio import data
from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.features import probe as probe_module
from gmstudio.engine.features import probing
from gmstudio.engine.features.extraction import pixels_of
from gmstudio.engine.features.probe import Probe
from gmstudio.engine.features.probing import choose_labelled
from gmstudio.engine.features.probing_handlers import ProbingFeature
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.array import Array
from gmstudio.protocol.features import (
    FeatureSpace,
    FeaturesProbed,
    FindNeighbours,
    NeighboursFound,
    ProbeFeatures,
    ProbeResult,
)
from gmstudio.protocol.image_sets import DataImages, GivenImages
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.record import new_record

DIGITS = data.load("digits", {"levels": 4})
PIXELS = FeatureSpace(layer="pixels")
RUN = "/runs/vae"


def one_run() -> OneRun:
    """An engine with one untrained model."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        kind = FAMILIES["vae"]
        model: Family = kind(kind.Config(num_hidden=16, num_latent=3), DIGITS.image).eval()
    return OneRun(model, new_record(RunSpec(family="vae", data="digits"), image=DIGITS.image, device="cpu"))


def probed(space: FeatureSpace = PIXELS, dataset: Dataset = DIGITS, **settings: Any) -> FeaturesProbed:
    """The last event of a probe."""
    settings = {"num_seeds": 2, "max_test": 200, **settings}
    command = ProbeFeatures(request=1, space=space, run=RUN, **settings)
    *_, last = Probe(one_run(), dataset, command).run()
    assert last is not None and last.done
    return last


def with_labels(dataset: Dataset, train: Any, test: Any = None) -> Dataset:
    """A data set with other labels; where ``test`` is None its test labels stay."""
    tested = dataset.test if test is None else Split(dataset.test.images, test)
    return replace(dataset, train=Split(dataset.train.images, train), test=tested)


def scikit_learns(train: Any, labels: Any, test: Any, seed: int) -> tuple[Any, float]:
    """Predictions and C of scikit-learn's own search over pipelines."""
    linear, selection, preprocessing, pipeline = (
        importlib.import_module(f"sklearn.{name}")
        for name in ("linear_model", "model_selection", "preprocessing", "pipeline")
    )
    made = pipeline.make_pipeline(preprocessing.StandardScaler(), linear.LogisticRegression(max_iter=1000))
    folds = min(5, int(np.unique(labels, return_counts=True)[1].min()))
    search = selection.GridSearchCV(
        made,
        {"logisticregression__C": list(probing.REGULARIZATIONS)},
        cv=selection.StratifiedKFold(folds, shuffle=True, random_state=seed),
        scoring="accuracy",
    ).fit(train.astype(np.float64), labels)
    return search.predict(test.astype(np.float64)), float(search.best_params_["logisticregression__C"])


@pytest.mark.parametrize("per_class", [3, 10])
def test_the_linear_probe_is_scikit_learns_own(per_class: int) -> None:
    found = probed(labels_per_class=(per_class,), seed=4)
    (result,) = found.results
    assert DIGITS.train.labels is not None and DIGITS.test.labels is not None
    test = found.test_indices.numpy()
    for number in range(2):
        chosen = choose_labelled(DIGITS.train.labels, per_class, 4 + number).indices
        pixels = [pixels_of(images, DIGITS.image) for images in (DIGITS.train.images[chosen], DIGITS.test.images[test])]
        predicted, regularization = scikit_learns(pixels[0], DIGITS.train.labels[chosen], pixels[1], 4 + number)
        accuracy = np.mean(predicted == DIGITS.test.labels[test])
        assert abs(result.linear.numpy()[number] - accuracy) < 1e-9
        assert result.regularization.numpy()[number] == regularization
        if number == 0:
            np.testing.assert_array_equal(result.predicted.numpy(), predicted)


def test_neighbours_are_scikit_learns_own() -> None:
    (result,) = probed(labels_per_class=(10,), neighbours=3, max_test=0).results
    assert DIGITS.train.labels is not None
    library = importlib.import_module("sklearn.neighbors")
    for number in range(2):
        chosen = choose_labelled(DIGITS.train.labels, 10, number).indices
        train = pixels_of(DIGITS.train.images[chosen], DIGITS.image)
        own = library.KNeighborsClassifier(3).fit(train, DIGITS.train.labels[chosen])
        accuracy = own.score(pixels_of(DIGITS.test.images, DIGITS.image), DIGITS.test.labels)
        assert abs(result.neighbours.numpy()[number] - accuracy) < 1e-9


def test_labelled_images_depend_on_the_data_and_the_seed_and_grow() -> None:
    labels = np.repeat(np.arange(4), 50)
    few, more = choose_labelled(labels, 3, 1).indices, choose_labelled(labels, 10, 1).indices
    assert np.unique(labels[few], return_counts=True)[1].tolist() == [3, 3, 3, 3]
    assert set(few) < set(more) and len(more) == 40
    assert set(few) != set(choose_labelled(labels, 3, 2).indices)
    np.testing.assert_array_equal(choose_labelled(labels, 0, 1).indices, np.arange(200))


def test_all_labels_are_bounded_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "MAX_LABELLED", 90)
    labels = np.repeat(np.arange(4), 50)
    chosen = choose_labelled(labels, 0, 1)
    assert len(chosen.indices) == 90 and chosen.warnings[0].startswith("All labels: 90 of the 200 training images")


def test_classes_with_fewer_labels_are_named() -> None:
    labels = np.array([0] * 10 + [1] * 3 + [2] * 2)
    chosen = choose_labelled(labels, 5, 0, names=("ape", "bee"))
    assert len(chosen.indices) == 10
    assert chosen.warnings == (
        "5 labels a class: bee has 3, 2 has 2; classes with fewer are used with all that they have.",
    )


def test_one_label_a_class_has_a_fixed_regularization_that_is_said() -> None:
    found = probed(labels_per_class=(1,))
    assert found.results[0].regularization.numpy().tolist() == [1.0, 1.0] and found.results[0].num_labels == 10
    assert any("leaves nothing for cross-validation: C is 1 there." in text for text in found.warnings)


def test_accuracy_rises_with_labels_and_all_need_one_choice() -> None:
    found = probed(FeatureSpace(layer="pca", num_dims=10), labels_per_class=(1, 10, 0))
    means = [result.linear.numpy().mean() for result in found.results]
    assert means == sorted(means) and means[2] > 0.85
    assert [len(result.linear.numpy()) for result in found.results] == [2, 2, 1]
    assert found.results[2].num_labels == len(DIGITS.train)


def test_a_run_of_a_model_is_probed_in_pieces_with_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmstudio.engine.runtime.meter.REPORT_S", 0.0)
    command = ProbeFeatures(
        request=1, space=FeatureSpace(run=RUN, layer="code"), run=RUN, labels_per_class=(2, 5), num_seeds=2, max_test=50
    )
    pieces = list(Probe(one_run(), DIGITS, command).run())
    events = [event for event in pieces if event is not None]
    shares = [event.progress.share for event in events]
    assert shares == sorted(shares) and shares[0] < 0.3 and shares[-1] == 1.0
    assert [event.done for event in events].count(True) == 1 and events[-1].ends_request()
    assert events[0].progress.stage == "Computing features"
    assert any(event.progress.stage == "Fitting classifiers: 5 labels a class, choice 2 of 2" for event in events)
    assert [len(event.results) for event in events] == sorted(len(event.results) for event in events)
    assert (events[-1].title, events[-1].num_dims, events[-1].weights_step) == (
        "VAE, Posterior mean, 3 dimensions",
        3,
        7,
    )


def test_spaces_share_labelled_and_test_images() -> None:
    pixels, pca = (probed(space, labels_per_class=(2,), max_test=30) for space in (PIXELS, FeatureSpace(layer="pca")))
    np.testing.assert_array_equal(pixels.test_indices.numpy(), pca.test_indices.numpy())


def test_it_ends_between_two_fits() -> None:
    command = ProbeFeatures(request=1, space=PIXELS, run=RUN, labels_per_class=(5,), num_seeds=3)
    pieces = Probe(one_run(), DIGITS, command).run()
    next(pieces)
    cast(Any, pieces).close()
    assert list(pieces) == []


def test_a_fit_that_does_not_converge_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "MAX_ITERATIONS", 1)
    found = probed(labels_per_class=(5,), num_seeds=1)
    assert any("ended after 1 iterations before it converged" in text for text in found.warnings)


LABELS = cast(Any, DIGITS.train.labels)


@pytest.mark.parametrize(
    ("dataset", "settings", "words"),
    [
        (with_labels(DIGITS, None), {}, r"training images of this data set have no labels"),
        (with_labels(DIGITS, np.full_like(LABELS, 3)), {}, r"all have the label 3; a classifier needs two"),
        (DIGITS, {"labels_per_class": ()}, "No number of labels"),
        (DIGITS, {"labels_per_class": (-2,)}, r"-2 labels a class; choose 1 or more"),
        (DIGITS, {"num_seeds": 0}, "0 choices of labelled images; choose 1 to 100"),
        (DIGITS, {"neighbours": 0}, "0 neighbours; choose 1 to 1,000"),
        (DIGITS, {"max_test": -1}, "-1 test images"),
    ],
)
def test_what_cannot_be_probed_is_refused(dataset: Dataset, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        probed(dataset=dataset, **settings)


def test_features_that_say_nothing_are_refused() -> None:
    flat = replace(DIGITS, train=Split(np.zeros_like(DIGITS.train.images), LABELS))
    with pytest.raises(ValueError, match="same for all images"):
        probed(dataset=flat, labels_per_class=(2,))


def test_three_images_do() -> None:
    tiny = replace(
        DIGITS,
        train=Split(DIGITS.train.images[:3], np.array([0, 1, 1])),
        test=Split(DIGITS.test.images[:3], np.array([0, 1, 5])),
    )
    found = probed(dataset=tiny, labels_per_class=(1, 0), max_test=0)
    assert [result.num_labels for result in found.results] == [2, 3]
    assert any("No training image has the label 5" in text for text in found.warnings)


def test_without_test_images_it_is_measured_on_validation_images() -> None:
    found = probed(dataset=replace(DIGITS, test=Split(DIGITS.test.images[:0], LABELS[:0])), labels_per_class=(2,))
    assert any("accuracies are of its validation images" in text for text in found.warnings)


def test_a_probe_is_answered_with_the_data_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    context = one_run()

    class Folder:
        record = context.record

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *args: Any) -> None:
            pass

    monkeypatch.setattr("gmstudio.engine.features.probing_handlers.RunFolder.open", lambda _path: Folder())
    command = ProbeFeatures(request=1, space=PIXELS, run=RUN, labels_per_class=(2,), max_test=20, num_seeds=1)
    monkeypatch.setattr("gmstudio.engine.features.probing_handlers.load_run_data", lambda _cache, _record: DIGITS)
    job = ProbingFeature(context).handlers()[ProbeFeatures](command)
    assert job is not None
    *_, last = job
    assert isinstance(last, FeaturesProbed) and isinstance(last.results[0], ProbeResult)


def given(images: Any) -> GivenImages:
    """Images of intensities, as the window sends them."""
    return GivenImages(images=Array.of((images * 85).astype(np.uint8)), title="drawing")


def found_neighbours(command: FindNeighbours) -> NeighboursFound:
    job = ProbingFeature(one_run()).handlers()[FindNeighbours](command)
    assert job is not None
    *_, last = cast(Iterator[Any], job)
    assert isinstance(last, NeighboursFound)
    return last


@pytest.mark.parametrize("space", [PIXELS, FeatureSpace(layer="pca", num_dims=5), FeatureSpace(run=RUN, layer="code")])
def test_an_image_is_its_own_nearest_neighbour(space: FeatureSpace) -> None:
    images = given(DIGITS.test.images[:60])
    found = found_neighbours(FindNeighbours(request=1, space=space, images=images, query=images, index=7, count=5))
    assert found.indices.numpy()[0] == 7 and len(found.indices.numpy()) == 5
    distances = found.distances.numpy()
    assert distances[0] < 1e-5 and (np.diff(distances) >= 0).all()


def test_neighbours_of_pixels_are_those_of_brute_force() -> None:
    images = DataImages(data="digits", data_config={"levels": 4}, split="test")
    command = FindNeighbours(request=1, space=PIXELS, images=images, query=images, index=3, count=9)
    found = found_neighbours(command)
    pixels = DIGITS.test.images.reshape(len(DIGITS.test), -1) / 3.0
    distances = np.linalg.norm(pixels - pixels[3], axis=1)
    np.testing.assert_allclose(found.distances.numpy(), np.sort(distances)[:9], atol=1e-6)


def test_neighbours_that_do_not_exist_are_refused() -> None:
    images = given(DIGITS.test.images[:6])
    with pytest.raises(ValueError, match=r"no image 6 in"):
        found_neighbours(FindNeighbours(request=1, space=PIXELS, images=images, query=images, index=6))
    with pytest.raises(ValueError, match=r"0 neighbours; choose 1 to 4,096"):
        found_neighbours(FindNeighbours(request=1, space=PIXELS, images=images, query=images, count=0))


def test_the_features_of_fits_come_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = probed(labels_per_class=(5,), num_seeds=1).results[0].neighbours.numpy()
    monkeypatch.setattr(probe_module, "CLASSIFIED", 7)
    np.testing.assert_allclose(probed(labels_per_class=(5,), num_seeds=1).results[0].neighbours.numpy(), whole)

"""Projections of images by the engine: points, what is kept, and what is refused."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from one_run import OneRun

from gmstudio import data
from gmstudio.engine.features import projection
from gmstudio.engine.features.projection import ProjectionStore, project_images
from gmstudio.engine.features.projection_methods import principal_components
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.inspection import encoder_of
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.array import Array
from gmstudio.protocol.features import FeatureSpace
from gmstudio.protocol.features_projection import ImagesProjected, ProjectImages, ProjectionMethod, ProjectionSettings
from gmstudio.protocol.image_sets import DataImages, GivenImages, ImageSet

DIGITS = data.load("digits", {"levels": 16})
TEST = DataImages(data="digits", data_config={"levels": 16}, split="test", count=80)
CODE = FeatureSpace(run="run", layer="code")


def vae(seed: int) -> Family:
    """An untrained model of the digits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FAMILIES["vae"](FAMILIES["vae"].Config(num_hidden=16, num_latent=3), DIGITS.image).eval()


@pytest.fixture
def context() -> OneRun:
    return OneRun(vae(0))


@pytest.fixture
def store() -> Iterator[ProjectionStore]:
    store = ProjectionStore()
    yield store
    store.process.close()


def command(
    method: ProjectionMethod = "pca",
    space: FeatureSpace = CODE,
    images: ImageSet = TEST,
    **settings: Any,
) -> ProjectImages:
    """A command about images in their own format."""
    return ProjectImages(
        request=5, run="", space=space, images=images, method=method, settings=ProjectionSettings(**settings)
    )


def projected(context: EngineContext, store: ProjectionStore, wanted: ProjectImages) -> list[ImagesProjected]:
    """All replies to a command."""
    events = [event for event in project_images(context, wanted, store) if isinstance(event, ImagesProjected)]
    assert all(event.request == 5 for event in events)
    assert [event.done for event in events] == [False] * (len(events) - 1) + [True]
    return events


def places(event: ImagesProjected) -> np.ndarray:
    assert event.places is not None
    return event.places.numpy()


def test_principal_components_of_pixels_with_labels(context: OneRun, store: ProjectionStore) -> None:
    last = projected(context, store, command(space=FeatureSpace()))[-1]
    pixels = DIGITS.test.images[:80].reshape(80, -1).astype(np.float32) / np.float32(15)
    expected = principal_components(pixels, 2)
    np.testing.assert_allclose(places(last), expected.places, atol=1e-4)
    np.testing.assert_allclose(last.explained[:2], expected.explained, atol=1e-6)
    assert last.labels is not None and DIGITS.test.labels is not None
    assert last.labels.numpy().tolist() == DIGITS.test.labels[:80].tolist()
    assert (last.count, last.num_dims, last.weights_step, last.factor_names) == (80, 64, -1, ())
    assert last.method_text == "Principal components 1 and 2"


def test_other_components_are_answered_from_what_is_kept(context: OneRun, store: ProjectionStore) -> None:
    first = projected(context, store, command(space=FeatureSpace()))[-1]
    store.process.close()
    other = projected(context, store, command(space=FeatureSpace(), first=3, second=0))[-1]
    assert store.process.pid is None  # nothing was computed
    assert first.seconds >= 0 > other.seconds
    np.testing.assert_array_equal(places(other)[:, 1], places(first)[:, 0])


def test_dimensions_are_the_features_themselves(context: OneRun, store: ProjectionStore) -> None:
    last = projected(context, store, command("dimensions", first=2, second=0))[-1]
    assert store.process.pid is None
    with torch.no_grad():
        code = encoder_of(context.own).encode(torch.from_numpy(DIGITS.test.images[:80]))
    np.testing.assert_allclose(places(last), code.numpy()[:, [2, 0]], atol=1e-5)
    assert last.weights_step == 7
    assert "3 dimensions" in last.title


def test_new_weights_give_a_new_projection(context: OneRun, store: ProjectionStore) -> None:
    before = projected(context, store, command())[-1]
    context.own = vae(1)
    after = projected(context, store, command())[-1]
    assert after.seconds >= 0
    assert not np.allclose(places(before), places(after), atol=1e-3)


def test_tsne_reports_progress_and_is_kept(context: OneRun, store: ProjectionStore) -> None:
    events = projected(context, store, command("tsne", perplexity=10))
    assert any("step" in event.progress.stage and event.places is not None for event in events[:-1])
    assert all(event.labels is None for event in events[:-1])
    again = projected(context, store, command("tsne", perplexity=10, neighbours=77, first=0, second=0))
    assert len(again) <= 2  # settings of other methods do not concern it
    np.testing.assert_array_equal(places(again[-1]), places(events[-1]))


def test_the_perplexity_is_lowered_for_few_images(context: OneRun, store: ProjectionStore) -> None:
    few = DataImages(data="digits", split="test", count=13)
    last = projected(context, store, command("tsne", images=few, perplexity=30))[-1]
    assert last.warnings == ("The perplexity was lowered to 4, a third of the images.",)
    assert last.method_text.startswith("t-SNE, perplexity 4")


def test_factors_come_with_shapes(context: OneRun, store: ProjectionStore) -> None:
    images = DataImages(data="shapes", split="valid", labels=(0,), count=20)
    last = projected(context, store, command(space=FeatureSpace(), images=images))[-1]
    shapes = data.load("shapes", {})
    assert last.factor_names == shapes.factor_names and last.factors is not None
    assert shapes.valid.labels is not None and shapes.valid.factors is not None
    expected = shapes.valid.factors.values[shapes.valid.labels == 0][:20]
    np.testing.assert_array_equal(last.factors.numpy(), expected)


def test_a_job_that_is_closed_ends_the_process(context: OneRun, store: ProjectionStore) -> None:
    job = project_images(context, command("tsne", perplexity=10), store)
    for event in job:
        if isinstance(event, ImagesProjected) and event.progress.stage.startswith("Preparing"):
            break
    assert store.process.pid is not None
    job.close()
    assert store.process.pid is None


def given(count: int, value: int | None = None) -> GivenImages:
    """Pictures that were dropped."""
    random = np.random.default_rng(0).integers(0, 256, (count, 1, 8, 8)).astype(np.uint8)
    return GivenImages(images=Array.of(random if value is None else np.full_like(random, value)), title="drawings")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (command(images=given(2), space=FeatureSpace()), "drawings has 2 images, and a projection needs 3 or more"),
        (command(images=given(9, 40), space=FeatureSpace()), "all 9 images have the same features"),
        (command("tsne", perplexity=1.0), "The perplexity is 1; choose one from 2 to 200"),
        (command("umap", neighbours=1), "The number of neighbours is 1; choose one from 2 to 200"),
        (command("umap", min_dist=1.5), "The minimal distance is 1.5; choose one from 0 to 1"),
        (command("umap", seed=-1), "The seed is -1"),
        (command("dimensions", first=3), "There is no dimension 4; choose one from 1 to 3"),
        (command("dimensions", first=1, second=1), "Both axes are number 2"),
        (command("pca", second=17, space=FeatureSpace()), "no principal component 18; choose one from 1 to 16"),
        (command(space=FeatureSpace(run="run", layer="nowhere")), "nowhere"),
    ],
)
def test_what_cannot_be_projected_is_refused_in_a_sentence(
    context: OneRun, store: ProjectionStore, wanted: ProjectImages, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        projected(context, store, wanted)
    assert store.process.pid is None


def test_more_images_than_can_be_projected_are_refused(
    context: OneRun, store: ProjectionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gmstudio.engine.features.projection_settings.MAX_PROJECTED", 50)
    with pytest.raises(ValueError, match=r"has 80 images, and at most 50 are projected. Choose a smaller number"):
        projected(context, store, command())


def test_features_of_one_dimension_make_no_plane(context: OneRun, store: ProjectionStore) -> None:
    one = FeatureSpace(layer="pca", num_dims=1)
    with pytest.raises(ValueError, match="There is 1 dimension, which makes no plane"):
        projected(context, store, command("dimensions", space=one))


def test_the_share_of_the_features_is_reported(
    context: OneRun, store: ProjectionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "REPORT_S", 0.0)
    events = projected(context, store, command("dimensions", first=0, second=1))
    shares = [event.progress.share for event in events if event.progress.stage == projection.FEATURES]
    known = [share for share in shares if share >= 0.0]
    assert len(known) > 1 and known == sorted(known) and known[-1] <= 1.0 and 0.0 < known[0] < 1.0

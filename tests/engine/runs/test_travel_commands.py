"""Fixed images through the checkpoints of a run: the same images and axes at every step."""

from pathlib import Path

import numpy as np
import pytest
import torch
from density_engine import DensityEngine
from travel_scene import CHECKPOINTS, train

from gmstudio import data
from gmstudio.engine.runs.travel import fixed_rows
from gmstudio.engine.runs.travel_handlers import TravelFeature
from gmstudio.engine.runtime.building import build_run_model
from gmstudio.engine.runtime.weights import load_checkpoint
from gmstudio.protocol.runs_travel import CodeMap, TravelShown, TravelTo
from gmstudio.runs.folder import RunFolder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("travel") / "vae", num_latent=5)


def shown(engine: DensityEngine, run: Path, step: int) -> tuple[TravelShown, CodeMap]:
    event = engine.ask(TravelTo(run=str(run), step=step, images=6, points=60), TravelShown)
    assert event.codes is not None
    return event, event.codes


def test_images_and_axes_stay_while_codes_and_reconstructions_change(run: Path) -> None:
    engine = DensityEngine(TravelFeature)
    first, first_map = shown(engine, run, CHECKPOINTS[1])
    last, last_map = shown(engine, run, CHECKPOINTS[-1])
    assert (first.originals.numpy() == last.originals.numpy()).all()
    assert (first.reconstructions.numpy() != last.reconstructions.numpy()).any()
    assert first.originals.numpy().shape == first.reconstructions.numpy().shape == (6, 1, 8, 8)
    assert first_map.fitted_at == last_map.fitted_at == CHECKPOINTS[-1]
    places = last_map.places.numpy()
    assert (
        places.shape == (60, 2) and np.abs(places.mean(0)).max() < 1e-5 < np.abs(first_map.places.numpy().mean(0)).max()
    )
    again, again_map = shown(engine, run, CHECKPOINTS[1])
    assert (again_map.places.numpy() == first_map.places.numpy()).all()
    assert (again.reconstructions.numpy() == first.reconstructions.numpy()).all()


def test_codes_are_those_of_the_weights_of_that_step(run: Path) -> None:
    engine = DensityEngine(TravelFeature)
    event, codes = shown(engine, run, 16)
    dataset = data.load("digits", {"levels": 2})
    rows = fixed_rows(60, len(dataset.valid))
    images = torch.from_numpy(dataset.view("valid", rows))
    with RunFolder.open(run) as folder, torch.inference_mode():
        model = build_run_model(folder, torch.device("cpu")).eval()
        load_checkpoint(folder.checkpoints, model, 40)
        newest = model.encode(images).numpy()
        load_checkpoint(folder.checkpoints, model, 16)
        codes_then = model.encode(images).numpy()
        decoded = model.decode(torch.from_numpy(codes_then[:6]))
    _, _, directions = np.linalg.svd(newest - newest.mean(0), full_matrices=False)
    expected = (codes_then - newest.mean(0)) @ directions[:2].T
    np.testing.assert_allclose(np.abs(codes.places.numpy()), np.abs(expected), atol=1e-4)
    assert np.abs(event.reconstructions.numpy() - (decoded.numpy() * 255).round()).max() <= 1
    labels = dataset.valid.labels
    assert codes.labels is not None and labels is not None
    assert (codes.labels.numpy() == labels[rows]).all()


def test_reconstructions_come_before_the_map(run: Path) -> None:
    engine = DensityEngine(TravelFeature)
    shown(engine, run, 8)
    first, last = (event for event in engine.replies if isinstance(event, TravelShown))
    assert first.codes is None and not first.ends_request() and last.ends_request()


def test_codes_of_two_dimensions_are_drawn_as_they_are(tmp_path: Path) -> None:
    folder = train(tmp_path / "flat", num_latent=2)
    _, codes = shown(DensityEngine(TravelFeature), folder, 40)
    assert codes.fitted_at is None and codes.axes == ("z₁", "z₂")


def test_what_cannot_be_shown_is_refused(run: Path, tmp_path: Path) -> None:
    engine = DensityEngine(TravelFeature)
    with pytest.raises(ValueError, match="no checkpoint of step 9; there are 0, 8"):
        shown(engine, run, 9)
    with pytest.raises(ValueError, match="ask for 1 to 64 images"):
        engine.ask(TravelTo(run=str(run), step=8, images=0), TravelShown)
    gan = train(tmp_path / "gan", "gan", num_latent=2)
    with pytest.raises(ValueError, match="GAN has no encoder"):
        shown(engine, gan, 8)

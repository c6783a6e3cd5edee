"""One image through models of every family: each part against the model's own methods."""

import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from density_engine import STEP, DensityEngine, write_run

from gmstudio.data import load
from gmstudio.engine.density.one_image_handlers import OneImageFeature
from gmstudio.protocol.array import Array
from gmstudio.protocol.density_one_image import (
    MAX_NEIGHBOURS,
    PARTS,
    Discriminated,
    ImageCode,
    ImageShown,
    Likelihood,
    Missing,
    Nearest,
    Reconstructed,
    SeenImage,
    ShowImage,
    Surprisal,
)
from gmstudio.protocol.image_sets import DataImages, GivenImages, ImageSet
from gmstudio.runs.record import read_record, write_record

MODELS: dict[str, dict[str, Any]] = {
    "nade": {"num_hidden": 6},
    "gated_pixelcnn": {"num_layers": 1, "num_channels": 4, "num_head_channels": 4, "num_classes": 10},
    "vae": {"num_hidden": 8, "num_latent": 3},
    "autoencoder": {"num_hidden": 8, "num_latent": 3},
    "gan": {"num_latent": 4},
    "rbm": {"num_hidden": 5},
    "realnvp": {"num_channels": 4, "num_blocks": 1},
}
HAS = {
    "nade": {"likelihood", "surprisal", "pixels"},
    "gated_pixelcnn": {"likelihood", "surprisal", "pixels"},
    "vae": {"likelihood", "reconstruction", "code", "pixels", "code_neighbours"},
    "autoencoder": {"reconstruction", "code", "pixels", "code_neighbours"},
    "gan": {"discriminated", "pixels"},
    "rbm": {"likelihood", "reconstruction", "code", "pixels", "code_neighbours"},
    "realnvp": {"likelihood", "reconstruction", "code", "pixels", "code_neighbours"},
}
NAMES = {
    Likelihood: "likelihood",
    Surprisal: "surprisal",
    Reconstructed: "reconstruction",
    ImageCode: "code",
    Discriminated: "discriminated",
}


@pytest.fixture
def engine() -> DensityEngine:
    return DensityEngine(OneImageFeature)


def shown(engine: DensityEngine, run: str, images: ImageSet, **fields: Any) -> dict[str, Any]:
    """Parts by their names."""
    engine.replies.clear()
    last = engine.ask(ShowImage(run=run, images=images, **fields), ImageShown)
    assert last.done
    replies = [event for event in engine.replies if isinstance(event, ImageShown)]
    assert {reply.weights_step for reply in replies} == {STEP}
    found: dict[str, Any] = {}
    for reply in replies:
        part = reply.part
        if part is not None:
            name = part.space if isinstance(part, Nearest) else part.part if isinstance(part, Missing) else ""
            found[name or NAMES.get(type(part), "seen")] = part
    return found


@pytest.mark.parametrize("family", MODELS)
def test_a_model_has_the_parts_of_its_family(family: str, engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / family, family, **MODELS[family]).run
    parts = shown(engine, run, DataImages(run=run), index=3)
    assert set(parts) == {"seen", *PARTS}
    missing = {name: part for name, part in parts.items() if isinstance(part, Missing)}
    assert set(PARTS) - set(missing) == HAS[family]
    assert not any(part.failed for part in missing.values())
    assert all(part.reason.endswith(".") for part in missing.values())
    seen = parts["seen"]
    assert isinstance(seen, SeenImage)
    digits = load("digits", {"levels": 4})
    assert np.array_equal(seen.levels.numpy(), digits.view("test", [3])[0])
    assert digits.test.labels is not None
    assert seen.label == str(digits.test.labels[3])


def test_values_are_those_of_the_model(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "nade", "nade", **MODELS["nade"]).run
    model: Any = engine.context.models.load(run, torch.device("cpu")).model
    x = torch.from_numpy(load("digits", {"levels": 4}).view("test", [5]))
    parts = shown(engine, run, DataImages(run=run), index=5)
    nats = float(model.log_prob(x).detach())
    assert parts["likelihood"].kind == "exact"
    assert parts["likelihood"].error is None
    assert parts["likelihood"].nats == pytest.approx(nats, rel=1e-5)
    assert parts["likelihood"].bits_per_dim == pytest.approx(-nats / 64 / math.log(2), rel=1e-5)
    assert parts["surprisal"].bits.numpy().sum() == pytest.approx(-nats / math.log(2), rel=1e-4)

    run = write_run(tmp_path / "vae", "vae", **MODELS["vae"]).run
    model = engine.context.models.load(run, torch.device("cpu")).model
    parts = shown(engine, run, DataImages(run=run), index=5)
    mean, deviation = model.posterior(x)
    assert np.allclose(parts["code"].values.numpy(), mean.detach().numpy()[0], atol=1e-5)
    assert np.allclose(parts["code"].deviations.numpy(), deviation.detach().numpy()[0], atol=1e-5)
    decoded = model.decode(mean)[0].detach().numpy()
    assert np.abs(parts["reconstruction"].image.numpy() / 255 - decoded).max() <= 0.5 / 255 + 1e-5
    assert parts["reconstruction"].error == pytest.approx(float(np.square(decoded - x[0].numpy() / 3).mean()), rel=1e-4)
    assert parts["likelihood"].kind == "estimate"
    assert parts["likelihood"].error > 0


def test_nearest_images_are_the_nearest(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "autoencoder", "autoencoder", **MODELS["autoencoder"]).run
    model: Any = engine.context.models.load(run, torch.device("cpu")).model
    digits = load("digits", {"levels": 4})
    train, (query,) = digits.view("train", range(len(digits.train))), digits.view("test", [8])
    parts = shown(engine, run, DataImages(run=run), index=8, neighbours=7)
    by_pixels = np.sqrt(np.square((train.astype(float) - query) / 3).reshape(len(train), -1).sum(1))
    with torch.no_grad():
        codes = model.encode(torch.from_numpy(train)).numpy()
        own = model.encode(torch.from_numpy(query[None])).numpy()
    by_code = np.sqrt(np.square(codes - own).sum(1))
    for name, distances in (("pixels", by_pixels), ("code_neighbours", by_code)):
        part = parts[name]
        expected = np.argsort(distances, kind="stable")[:7]
        assert np.allclose(part.distances.numpy(), distances[expected], rtol=1e-4, atol=1e-5)
        assert np.allclose(distances[part.indices.numpy()], distances[expected], rtol=1e-4, atol=1e-5)
        assert np.array_equal(part.images.numpy(), train[part.indices.numpy()])
        assert digits.train.labels is not None
        assert part.labels == tuple(str(digits.train.labels[number]) for number in part.indices.numpy())
        assert part.searched == part.total == len(train)


def test_a_training_image_is_its_own_nearest(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "nade", "nade", **MODELS["nade"]).run
    parts = shown(engine, run, DataImages(run=run, split="train"), index=11, parts=("pixels",))
    assert set(parts) == {"seen", "pixels"}
    assert parts["pixels"].distances.numpy()[0] == 0
    assert np.array_equal(parts["pixels"].images.numpy()[0], parts["seen"].levels.numpy())


def test_a_pasted_picture_is_converted_with_a_sentence(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "nade", "nade", **MODELS["nade"]).run
    picture = GivenImages(images=Array.of(np.full((1, 3, 30, 20), 90, np.uint8)), title="paste")
    parts = shown(engine, run, picture, parts=("likelihood",))
    assert parts["seen"].levels.shape == (1, 8, 8)
    assert "30×20" in parts["seen"].conversion
    assert parts["seen"].title == "paste"


def test_missing_data_concern_the_parts_that_need_them_alone(engine: DensityEngine, tmp_path: Path) -> None:
    folder = tmp_path / "vae"
    run = write_run(folder, "vae", **MODELS["vae"]).run
    record = read_record(folder)

    write_record(folder, msgspec.structs.replace(record, data="cifar10", data_config={"folder": str(tmp_path / "no")}))
    drawn = GivenImages(images=Array.of(np.zeros((1, 1, 8, 8), np.uint8)), title="drawing")
    parts = shown(engine, run, drawn)
    assert isinstance(parts["likelihood"], Likelihood)
    assert isinstance(parts["reconstruction"], Reconstructed)
    for name in ("pixels", "code_neighbours"):
        assert isinstance(parts[name], Missing)
        assert parts[name].failed
        assert parts[name].reason


def test_weights_that_are_not_finite_fail_part_by_part(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "autoencoder", "autoencoder", **MODELS["autoencoder"]).run
    model = engine.context.models.load(run, torch.device("cpu")).model
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(math.nan)
    parts = shown(engine, run, DataImages(run=run))
    for name in ("code", "reconstruction", "code_neighbours"):
        assert isinstance(parts[name], Missing)
        assert parts[name].failed
        assert "not finite" in parts[name].reason
    assert isinstance(parts["pixels"], Nearest)


def test_what_does_not_exist_is_refused(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "nade", "nade", **MODELS["nade"]).run
    with pytest.raises(ValueError, match="There is no image 100000"):
        shown(engine, run, DataImages(run=run), index=100_000)
    with pytest.raises(ValueError, match=f"ask for 1 to {MAX_NEIGHBOURS}"):
        shown(engine, run, DataImages(run=run), neighbours=0)
    parts = shown(engine, run, DataImages(run=run), parts=("taste",))
    assert "no part 'taste'" in parts["taste"].reason


def test_a_flow_gives_the_image_back(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "realnvp", "realnvp", **MODELS["realnvp"]).run
    x = load("digits", {"levels": 4}).view("test", [5])[0]
    decoded = shown(engine, run, DataImages(run=run), index=5)["reconstruction"]
    assert decoded.error < (0.5 / 3) ** 2  # dequantized inside: within half a level
    assert np.array_equal(np.rint(decoded.image.numpy() / 255 * 3), x)

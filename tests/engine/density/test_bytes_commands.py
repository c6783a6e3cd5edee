"""Commands about bytes on runs in folders: coding in pieces with progress, decoding, refusals."""

from pathlib import Path

import numpy as np
import pytest
from density_engine import STEP, DensityEngine, write_run

from gmstudio.data import load
from gmstudio.engine.density.bytes_handlers import BytesFeature
from gmstudio.protocol.array import Array
from gmstudio.protocol.density_bytes import (
    MAX_CODED,
    CompressImages,
    DecompressFile,
    FileDecompressed,
    ImagesCompressed,
)
from gmstudio.protocol.image_sets import DataImages, GivenImages


@pytest.fixture
def engine() -> DensityEngine:
    return DensityEngine(BytesFeature)


def test_images_of_a_run_are_coded_and_decoded(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "nade", "nade", num_hidden=6).run
    reply = engine.ask(CompressImages(run=run, images=DataImages(run=run), start=3, count=9), ImagesCompressed)
    assert reply.result is not None
    images = reply.result.images.numpy()
    assert np.array_equal(images, load("digits", {"levels": 4}).view("test", range(3, 12)))
    assert reply.result.indices.numpy().tolist() == list(range(3, 12))
    assert reply.weights_step == STEP
    assert reply.result.bits.shape == (9, 8, 8)
    assert float(reply.result.bits.numpy().sum()) == pytest.approx(float(reply.result.ideal.numpy().sum()), rel=1e-4)
    sizes = {size.name: size.bits for size in reply.result.sizes}
    assert sizes["ideal"] == pytest.approx(float(reply.result.ideal.numpy().sum()))
    assert sizes["file"] == 8 * reply.result.file.shape[0]
    assert sizes["raw"] == 9 * 64 * 2
    back = engine.ask(DecompressFile(run=run, file=reply.result.file), FileDecompressed)
    assert back.images is not None
    assert np.array_equal(back.images.numpy(), images)
    assert back.source == "nade"
    assert back.progress.done == back.progress.total == 9


def test_progress_is_reported_between_short_pieces(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "pixelcnn", "pixelcnn", num_blocks=2, num_channels=8).run
    engine.send(CompressImages(run=run, images=DataImages(run=run), count=60), lambda _event: None)
    engine.serve()
    reports = [event for event in engine.replies if isinstance(event, ImagesCompressed)]
    assert len(reports) > 1
    assert all(report.result is None for report in reports[:-1])
    assert [report.progress.done for report in reports] == sorted(report.progress.done for report in reports)
    assert reports[-1].progress.total == 60


def test_labels_condition_a_class_conditional_model(engine: DensityEngine, tmp_path: Path) -> None:
    config = {"num_layers": 1, "num_channels": 4, "num_head_channels": 4}
    run = write_run(tmp_path / "gated", "gated_pixelcnn", num_classes=10, **config).run
    reply = engine.ask(CompressImages(run=run, images=DataImages(run=run), count=5), ImagesCompressed)
    assert reply.result is not None
    assert reply.result.labels is not None
    labels = load("digits", {"levels": 4}).test.labels
    assert labels is not None
    assert reply.result.labels.numpy().tolist() == labels[:5].tolist()
    drawn = GivenImages(images=Array.of(np.zeros((1, 1, 8, 8), np.uint8)), title="drawing")
    unlabelled = engine.ask(CompressImages(run=run, images=drawn), ImagesCompressed)
    assert unlabelled.result is not None
    assert unlabelled.result.labels is None
    assert any("no labels" in warning for warning in unlabelled.warnings)


def test_other_images_are_converted_with_a_sentence(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "fvbn", "fvbn").run
    picture = GivenImages(images=Array.of(np.full((1, 3, 20, 20), 200, np.uint8)), title="paste")
    reply = engine.ask(CompressImages(run=run, images=picture), ImagesCompressed)
    assert reply.result is not None
    assert reply.result.images.shape == (1, 1, 8, 8)
    assert "20×20" in reply.conversion


def test_what_cannot_be_coded_is_a_sentence(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "made", "made", num_hidden=8).run
    other = write_run(tmp_path / "made2", "made", seed=1, num_hidden=8).run
    vae = write_run(tmp_path / "vae", "vae", num_hidden=8).run
    images = DataImages(run=run)
    with pytest.raises(ValueError, match="VAE has no exact conditionals"):
        engine.ask(CompressImages(run=vae, images=images), ImagesCompressed)
    with pytest.raises(ValueError, match=f"choose 1 to {MAX_CODED:,} images"):
        engine.ask(CompressImages(run=run, images=images, count=0), ImagesCompressed)
    with pytest.raises(ValueError, match=r"none from number 100,000 on. Choose a smaller"):
        engine.ask(CompressImages(run=run, images=images, start=100_000), ImagesCompressed)
    reply = engine.ask(CompressImages(run=run, images=images, count=2), ImagesCompressed)
    assert reply.result is not None
    with pytest.raises(ValueError, match="other weights"):
        engine.ask(DecompressFile(run=other, file=reply.result.file), FileDecompressed)
    foreign = Array.of(np.frombuffer(b"\x89PNG and more", np.uint8))
    with pytest.raises(ValueError, match="holds no coded images"):
        engine.ask(DecompressFile(run=run, file=foreign), FileDecompressed)

"""TensorBoard's event files, read back with TensorBoard's own loader: every point, wall time, image and text."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recorded_run import STARTED, extend_run, make_run
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2

from gmstudio.engine.runs.exports import export_named
from gmstudio.engine.runs.exports.export import ExportSource
from gmstudio.engine.runs.exports.writing import export_pieces
from gmstudio.engine.training.loggers import packages
from gmstudio.engine.training.loggers.event_file import EventFileLogger
from gmstudio.engine.training.loggers.logger import RunFacts
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunError
from gmstudio.runs.tail import Cursor, HistoryTail

EVERYTHING = {"scalars": 0, "images": 0, "tensors": 0}


def read(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance=EVERYTHING).Reload()


def export(run: Path, target: Path) -> tuple[str, ...]:
    form = export_named("tensorboard")()
    with RunFolder.open(run) as folder:
        shares = list(export_pieces(form, ExportSource(folder, lambda: pytest.fail()), target, overwrite=False))
    assert shares == sorted(shares) and shares[-1] == 1
    return form.remarks


def log(run: Path, target: Path, cursor: Cursor, since: int = -1, *, end: bool = True) -> EventFileLogger:
    logger = EventFileLogger(target)
    with RunFolder.open(run) as folder:
        logger.begin(RunFacts.of(folder), since)
        for batch in HistoryTail(folder, cursor).batches():
            logger.write(batch)
    logger.flush()
    if end:
        logger.end("finished")
    return logger


def test_every_point_comes_back_with_its_wall_time(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", steps=1300)  # more than a batch
    assert export(run, tmp_path / "tb") == ()
    found = read(tmp_path / "tb")
    with RunFolder.open(run) as folder:
        curves = folder.history.read_scalars()
    assert set(found.Tags()["scalars"]) == {f"{split}/{name}" for split, name in curves}
    with np.errstate(over="ignore"):
        for (split, name), (steps, values) in curves.items():
            events = found.Scalars(f"{split}/{name}")
            assert [event.step for event in events] == steps.tolist()
            np.testing.assert_array_equal([event.value for event in events], values.astype(np.float32))
            np.testing.assert_allclose([event.wall_time for event in events], STARTED + steps / 2, atol=1e-4)


def test_images_events_and_settings_come_back(tmp_path: Path) -> None:
    export(make_run(tmp_path / "run"), tmp_path / "tb")
    found = read(tmp_path / "tb")
    images = found.Images("samples")
    assert [image.step for image in images] == [10, 20]
    with Image.open(io.BytesIO(images[1].encoded_image_string)) as picture:
        assert picture.size == (images[1].width, images[1].height)
        assert picture.getpixel((1, 1)) == 20
        assert picture.text["Step"] == "20"  # type: ignore[attr-defined]
    sentences = [event.tensor_proto.string_val[0].decode() for event in found.Tensors("events/warning/text_summary")]
    assert sentences == ["Sentence of step 10.", "Sentence of step 20."]
    assert "| config.beta | 2.0 |" in found.Tensors("settings/text_summary")[0].tensor_proto.string_val[0].decode()
    content = found.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    start = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    assert start.hparams["config.beta"].number_value == 2.0
    assert start.hparams["data"].string_value == "digits"


def test_a_run_without_times_says_that_they_are_spread(tmp_path: Path) -> None:
    (remark,) = export(make_run(tmp_path / "run", timed=False), tmp_path / "tb")
    assert "spread evenly" in remark
    times = [event.wall_time for event in read(tmp_path / "tb").Scalars("train/loss")]
    assert times == sorted(times)


def test_steps_that_are_trained_again_replace_the_earlier_ones(tmp_path: Path) -> None:
    run, cursor = make_run(tmp_path / "run"), Cursor()
    log(run, tmp_path / "tb", cursor)
    with RunFolder.open(run, write=True) as folder:
        folder.history.truncate_after(12)
        extend_run(folder, 12, 16, offset=100.0)
    cursor.back_to(12)
    log(run, tmp_path / "tb", cursor, since=12)
    events = read(tmp_path / "tb").Scalars("train/loss")
    assert [event.step for event in events] == list(range(1, 17))
    assert events[11].value == pytest.approx(12 + 1 / 3)
    assert math.isnan(read(tmp_path / "tb").Scalars("train/loss")[12].value) and events[13].value > 100
    assert [image.step for image in read(tmp_path / "tb").Images("samples")] == [10]


def test_what_was_flushed_is_readable_though_the_file_is_cut_short(tmp_path: Path) -> None:
    logger = log(make_run(tmp_path / "run"), tmp_path / "tb", Cursor(), end=False)
    (path,) = (tmp_path / "tb").iterdir()
    assert len(read(tmp_path / "tb").Scalars("train/loss")) == 20  # as a process that was killed leaves it
    path.write_bytes(path.read_bytes()[:-7])  # within the last record, which is an event
    assert len(read(tmp_path / "tb").Scalars("train/loss")) == 20
    logger.end("finished")


def test_without_the_package_the_command_that_installs_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(RunError, match="pip install tensorboard"):
        export(make_run(tmp_path / "run"), tmp_path / "tb")
    assert not (tmp_path / "tb").exists()

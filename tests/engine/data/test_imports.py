"""Imported data sets on a real engine: preview, import, list, browse, measure, rename, trash, train."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_process import EngineProcess
from picture_folders import make_pictures

from gmstudio.data.importing.opening import open_raw
from gmstudio.data.progress import Progress
from gmstudio.engine.data import imports
from gmstudio.engine.data.imports import ImportPreviews, spread
from gmstudio.protocol.data import BrowseData, DataBrowsed, DataMeasured, MeasureData
from gmstudio.protocol.data_import import (
    DataSetDescribed,
    DataSetsListed,
    DataSetTrashed,
    ImportData,
    ImportPreviewed,
    ListDataSets,
    PreviewImport,
    RenameDataSet,
    RestoreDataSet,
    TrashDataSet,
)
from gmstudio.protocol.engine import Cancel, CommandFailed, Reason
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunOpened
from gmstudio.protocol.training import StartTraining, TrainingChanged

CLASSES = {"dark": 30, "light": 20}


def test_a_folder_is_previewed_imported_browsed_measured_and_trained_on(tmp_path: Path, engine: EngineProcess) -> None:
    folder = make_pictures(tmp_path / "my pictures", CLASSES)
    (folder / "dark" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    settings = {"size": 6, "width": 5, "levels": 2, "invert": True}
    preview = engine.ask(PreviewImport(path=f"'{folder}'", settings=settings, count=51), ImportPreviewed)
    assert (preview.title, preview.size, preview.pages) == ("my pictures", 51, 1)
    assert preview.labels == {0: 31, 1: 20} and preview.label_names == ("dark", "light")
    assert preview.image.shape == (1, 6, 5) and preview.image.levels == 2
    by_name = {shown.name: (shown, image) for shown, image in zip(preview.shown, preview.images.numpy(), strict=True)}
    bad, nothing = by_name["dark/broken.png"]
    assert bad.problem and bad.raw is None and not nothing.any()
    dark, image = by_name["dark/0000.png"]
    assert dark.raw is not None and dark.raw.shape == (12, 10, 1) and (dark.rows, dark.columns) == (12, 10)
    assert image.min() == image.max() == 1  # inverted: dark becomes light
    assert by_name["light/0000.png"][0].label == 1

    made = engine.ask(ImportData(path=str(folder), settings=settings, name="Mine"), DataSetDescribed)
    assert (made.info.name, made.info.size, made.info.num_classes) == ("Mine", 50, 2)
    assert made.details.num_bad == 1 and made.details.bad[0][0] == "dark/broken.png"
    listed = engine.ask(ListDataSets(), DataSetsListed)
    assert [info.folder for info in listed.sets] == [made.info.folder] and not listed.problems
    assert Path(made.info.folder).parent == Path(listed.home) == engine.home / "data"

    config = {"folder": made.info.folder, "levels": 2}
    page = engine.ask(BrowseData(data="images", data_config=config, label=1, count=4), DataBrowsed)
    assert page.indices is not None and page.labels is not None
    assert page.labels.numpy().tolist() == [1] * 4
    assert page.label_names == ("dark", "light")
    everything = engine.ask(BrowseData(data="images", data_config=config, count=100), DataBrowsed)
    assert everything.labels is not None
    light = np.flatnonzero(everything.labels.numpy() == 1)
    assert light[:4].tolist() == page.indices.numpy().tolist() and page.total == len(light)

    engine.send(MeasureData(data="images", data_config=config))
    measured = engine.wait(DataMeasured, DataMeasured.ends_request)
    assert measured.done == measured.total == 50
    assert sum(stats.size for stats in measured.splits.values()) == 50
    assert sum(stats.labels[1] for stats in measured.splits.values()) == 20
    assert measured.histogram.numpy().sum() == 50 * 30

    spec = RunSpec(family="fvbn", data="images", data_config=config, training={"steps": 2})
    opened = engine.ask(StartTraining(spec=spec), RunOpened)
    assert opened.info.image is not None and opened.info.image.shape == (1, 6, 5)
    engine.wait(TrainingChanged, lambda event: event.status == "finished")


def test_another_setting_or_page_does_not_list_the_files_again(tmp_path: Path, engine: EngineProcess) -> None:
    folder = make_pictures(tmp_path / "set", CLASSES)
    first = engine.ask(PreviewImport(path=str(folder), count=20), ImportPreviewed)
    (folder / "light" / "9999.png").write_bytes((folder / "light" / "0000.png").read_bytes())
    names = {shown.name for shown in first.shown}
    for page in (1, 2):
        more = engine.ask(PreviewImport(path=str(folder), settings={"levels": 4}, page=page, count=20), ImportPreviewed)
        assert (more.page, more.pages, more.image.levels) == (page, 3, 4)
        assert not names & {shown.name for shown in more.shown}
        names |= {shown.name for shown in more.shown}
    assert len(names) == 50
    again = engine.ask(PreviewImport(path=str(folder), count=20, refresh=True), ImportPreviewed)
    assert again.size == 51


def test_what_cannot_be_imported_is_refused_in_words(tmp_path: Path, engine: EngineProcess) -> None:
    (tmp_path / "empty").mkdir()
    failed = engine.ask(PreviewImport(path=str(tmp_path / "empty")), CommandFailed)
    assert failed.reason is Reason.BAD_DATA and str(tmp_path / "empty") in failed.message
    failed = engine.ask(PreviewImport(path=str(tmp_path / "nowhere")), CommandFailed)
    assert "nowhere" in failed.message
    failed = engine.ask(ImportData(path=str(tmp_path), settings={"levels": 3}), CommandFailed)
    assert failed.reason is Reason.BAD_SETTING and "data_config.levels" in failed.fields


def test_a_cancelled_import_leaves_nothing(tmp_path: Path, engine: EngineProcess) -> None:
    folder = make_pictures(tmp_path / "set", {"a": 400})
    request = engine.send(ImportData(path=str(folder)))
    engine.send(Cancel(target=request))
    failed = engine.wait(CommandFailed, lambda event: event.request == request)
    assert failed.reason is Reason.CANCELLED
    assert engine.ask(ListDataSets(), DataSetsListed).sets == ()
    imported = engine.home / "data"
    assert not imported.exists() or not list(imported.iterdir())


def test_a_set_is_renamed_trashed_and_restored(tmp_path: Path, engine: EngineProcess) -> None:
    folder = make_pictures(tmp_path / "set", CLASSES)
    info = engine.ask(ImportData(path=str(folder)), DataSetDescribed).info
    renamed = engine.ask(RenameDataSet(folder=info.folder, name="Other"), DataSetDescribed).info
    assert (renamed.name, renamed.folder) == ("Other", info.folder)
    assert engine.ask(RenameDataSet(folder=info.folder, name=" "), DataSetDescribed).info.name == "set"
    trashed = engine.ask(TrashDataSet(folder=info.folder), DataSetTrashed)
    assert Path(trashed.place).is_dir() and not Path(info.folder).exists()
    assert engine.ask(TrashDataSet(folder=info.folder), CommandFailed).reason is Reason.BAD_DATA
    assert engine.ask(ListDataSets(), DataSetsListed).sets == ()
    back = engine.ask(RestoreDataSet(place=trashed.place, folder=trashed.folder), DataSetDescribed).info
    assert back.folder == info.folder and Path(info.folder).is_dir()
    failed = engine.ask(RestoreDataSet(place=str(tmp_path), folder=info.folder), CommandFailed)
    assert "not in the trash" in failed.message


def test_a_damaged_set_does_not_hide_the_others(tmp_path: Path, engine: EngineProcess) -> None:
    good = engine.ask(ImportData(path=str(make_pictures(tmp_path / "good", CLASSES))), DataSetDescribed).info
    bad = engine.ask(ImportData(path=str(make_pictures(tmp_path / "bad", {"a": 30}))), DataSetDescribed).info
    (Path(bad.folder) / "set.json").write_text("{")
    listed = engine.ask(ListDataSets(), DataSetsListed)
    assert [info.folder for info in listed.sets] == [good.folder]
    assert len(listed.problems) == 1 and "damaged" in listed.problems[0]


@pytest.mark.parametrize(("size", "count"), [(1, 12), (12, 12), (50, 12), (997, 64), (1000, 7)])
def test_the_pages_together_show_every_image_once(size: int, count: int) -> None:
    pages = [spread(size, start, count) for start in range(0, size, count)]
    assert sorted(np.concatenate(pages).tolist()) == list(range(size))
    assert all((np.diff(page) > 0).all() for page in pages)
    if size > 5 * count:
        assert pages[0].max() - pages[0].min() > size / 2


def test_a_replaced_preview_continues_the_listing_of_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_pictures(tmp_path / "set", {"a": 30})
    begun: list[Path] = []

    def listing(path: Path, settings: Any) -> Iterator[Any]:
        begun.append(path)
        for done in range(5):
            yield Progress("index", done)
        yield from open_raw(path, settings)

    monkeypatch.setattr(imports, "open_raw", listing)
    previews = ImportPreviews()
    first = previews.preview(PreviewImport(path=str(folder), refresh=True))
    for _ in range(3):
        next(first)
    first.close()  # type: ignore[attr-defined]
    *_, shown = previews.preview(PreviewImport(path=str(folder), settings={"levels": 2}))
    assert isinstance(shown, ImportPreviewed) and shown.size == 30 and len(begun) == 1
    *_, shown = previews.preview(PreviewImport(path=str(folder), settings={"label_column": "none"}))
    assert isinstance(shown, ImportPreviewed) and not shown.labels and len(begun) == 2

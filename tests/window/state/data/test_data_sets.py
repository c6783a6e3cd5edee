"""Imported data sets in the window: the list, the import of files, and the data set that is open."""

from collections.abc import Iterator

import msgspec
import pytest
from data_scene import DETAILS, INFO, OLDER, Scene, measured, preview
from pytestqt.qtbot import QtBot

from gmstudio.protocol.data import BrowseData, DataLoading, MeasureData
from gmstudio.protocol.data_import import (
    DataSetDescribed,
    DataSetTrashed,
    DescribeDataSet,
    ImportData,
    ImportProgressed,
    PreviewImport,
    RenameDataSet,
    RestoreDataSet,
    TrashDataSet,
)
from gmstudio.protocol.engine import Cancel, CommandFailed, Reason


@pytest.fixture
def scene(qtbot: QtBot) -> Iterator[Scene]:
    made = Scene()
    yield made
    made.state.assistant.stop()
    made.state.opened.show("", {})


# ---- lists ---------------------------------------------------------------------------------------------------------


def test_shipped_sets_are_the_sources_that_read_no_files(scene: Scene) -> None:
    assert scene.state.shipped == ()
    scene.start()
    names = {entry.name for entry in scene.state.shipped}
    assert "digits" in names and not names & {"idx", "images", "cifar10"}


def test_sets_are_listed_when_an_engine_starts_and_changed_as_it_says(scene: Scene) -> None:
    sets = scene.state.sets
    assert not scene.client.sent
    scene.start()
    scene.list(INFO, OLDER)
    assert [info.name for info in sets.sets] == ["birds", "old"]
    sets.rename(INFO.folder, "owls")
    assert scene.client.last(RenameDataSet).name == "owls"
    renamed = msgspec.structs.replace(INFO, name="owls")
    scene.reply(RenameDataSet, DataSetDescribed(info=renamed, details=DETAILS))
    assert [info.name for info in sets.sets] == ["owls", "old"]
    sets.trash(INFO.folder)
    scene.reply(TrashDataSet, DataSetTrashed(folder=INFO.folder, place="/trash/birds"))
    assert [info.name for info in sets.sets] == ["old"] and sets.trashed[0][1] == "owls"
    sets.restore(INFO.folder)
    command = scene.client.last(RestoreDataSet)
    assert (command.place, command.folder) == ("/trash/birds", INFO.folder) and not sets.trashed


def test_a_change_that_fails_is_said(scene: Scene) -> None:
    scene.start()
    scene.list(INFO)
    scene.state.sets.trash(INFO.folder)
    scene.reply(TrashDataSet, CommandFailed(command="TrashDataSet", message="It is gone.", reason=Reason.BAD_DATA))
    assert scene.state.problem == "It is gone." and scene.state.sets.sets == (INFO,)


def test_a_set_that_is_open_is_closed_when_it_is_trashed(scene: Scene) -> None:
    scene.start()
    scene.list(INFO)
    scene.state.open_set(INFO.folder)
    assert (scene.state.view, scene.state.title) == ("set", "birds")
    scene.state.sets.trash(INFO.folder)
    scene.reply(TrashDataSet, DataSetTrashed(folder=INFO.folder, place="/trash/birds"))
    assert scene.state.view == "empty" and not scene.state.opened.data


# ---- the data set that is open ---------------------------------------------------------------------------------------


def test_opening_a_set_asks_for_a_page_its_statistics_and_its_import(scene: Scene) -> None:
    scene.start()
    scene.list(INFO)
    scene.state.open_set(INFO.folder)
    asked = scene.client.last(BrowseData)
    assert asked.data == "images" and asked.data_config["folder"] == INFO.folder
    assert asked.data_config["levels"] == 256  # all settings, so that training shares the loaded data
    assert scene.client.last(MeasureData).data_config == asked.data_config
    assert scene.client.last(DescribeDataSet).folder == INFO.folder
    scene.reply(BrowseData, scene.browsed())
    assert scene.state.opened.total == 100
    for done in (40, 120):
        scene.reply(MeasureData, measured(done))
        assert scene.state.opened.stats is not None and scene.state.opened.stats.done == done


def test_pages_are_turned_within_the_ends(scene: Scene) -> None:
    scene.start()
    scene.state.open_source("digits")
    opened = scene.state.opened
    opened.set_page_size(30)
    scene.reply(BrowseData, scene.browsed())
    assert scene.client.last(BrowseData).count == 30 or opened.page_size == 30
    starts = []
    for pages in (1, 1, 1, 1, -1, 1 << 30, -(1 << 30)):
        opened.turn_page(pages)
        if opened.start == scene.client.last(BrowseData).start:
            scene.reply(BrowseData, scene.browsed())
        starts.append(opened.start)
    assert starts == [30, 60, 90, 90, 60, 90, 0]


def test_pages_turned_quickly_skip_to_the_newest(scene: Scene) -> None:
    scene.start()
    scene.state.open_source("digits")
    opened = scene.state.opened
    opened.set_page_size(10)
    scene.reply(BrowseData, scene.browsed())
    sent = len([c for c in scene.client.sent if isinstance(c, BrowseData)])
    for _ in range(5):
        opened.turn_page(1)
    assert len([c for c in scene.client.sent if isinstance(c, BrowseData)]) == sent + 1
    scene.reply(BrowseData, scene.browsed())
    assert scene.client.last(BrowseData).start == opened.start == 50


def test_another_class_begins_at_its_first_image_and_late_pages_are_dropped(scene: Scene) -> None:
    scene.start()
    scene.state.open_source("digits")
    opened = scene.state.opened
    scene.reply(BrowseData, scene.browsed())
    opened.turn_page(1)
    late = scene.browsed(total=100)
    opened.choose("valid", 3)
    scene.reply(BrowseData, late)  # of the split before
    assert opened.page is not None and opened.page.start == 0 and opened.total == 0
    asked = scene.client.last(BrowseData)
    assert (asked.split, asked.label, asked.start) == ("valid", 3, 0)
    scene.reply(BrowseData, scene.browsed(total=7))
    assert opened.total == 7
    opened.turn_page(1)
    assert opened.start == 0


def test_settings_are_sent_after_a_pause_and_remembered_for_the_set(scene: Scene, qtbot: QtBot) -> None:
    scene.start()
    scene.list(INFO, OLDER)
    scene.state.open_set(INFO.folder)
    scene.reply(BrowseData, scene.browsed())
    scene.state.set_config({"levels": 2}, {})
    scene.state.set_config({"levels": 4}, {})
    assert scene.client.last(BrowseData).data_config["levels"] == 256
    qtbot.waitUntil(lambda: scene.client.last(BrowseData).data_config["levels"] == 4)
    scene.state.open_set(OLDER.folder)
    assert scene.client.last(BrowseData).data_config["levels"] == 256
    scene.state.open_set(INFO.folder)
    assert scene.client.last(BrowseData).data_config["levels"] == 4
    other = Scene()
    other.state.restore_choices(msgspec.json.decode(msgspec.json.encode(scene.state.choices())))
    other.start()
    assert other.client.last(BrowseData).data_config["folder"] == INFO.folder
    assert other.client.last(BrowseData).data_config["levels"] == 4


def test_loading_is_shown_and_can_be_cancelled_and_begun_again(scene: Scene) -> None:
    scene.start()
    scene.list(INFO)
    scene.state.open_set(INFO.folder)
    opened = scene.state.opened
    scene.reply(BrowseData, DataLoading(load=1, title="birds", done=3, total=9))
    assert opened.loading is not None and opened.loading.done == 3
    number = scene.client.last(BrowseData).request
    opened.cancel()
    assert number in [c.target for c in scene.client.sent if isinstance(c, Cancel)]
    assert opened.loading is None and opened.cancelled
    opened.reload()
    assert scene.client.last(BrowseData).request > number and not opened.cancelled


def test_a_newer_setting_does_not_wait_for_data_that_are_loading(scene: Scene, qtbot: QtBot) -> None:
    scene.start()
    scene.state.open_source("digits")
    first = scene.client.last(BrowseData).request
    scene.reply(BrowseData, DataLoading(load=1, title="digits"))
    scene.state.set_config({"levels": 2}, {})
    qtbot.waitUntil(lambda: scene.client.last(BrowseData).request > first)
    assert first in [c.target for c in scene.client.sent if isinstance(c, Cancel)]


def test_what_cannot_be_loaded_is_said_beside_its_field(scene: Scene) -> None:
    scene.start()
    scene.state.open_source("digits")
    failed = CommandFailed(
        command="BrowseData", message="Too many.", reason=Reason.BAD_SETTING, fields={"data_config.levels": "Too many."}
    )
    scene.reply(BrowseData, failed)
    assert scene.state.opened.problem == "Too many." and scene.state.opened.refusals == {"levels": "Too many."}


def test_training_gets_the_data_and_the_settings(scene: Scene, qtbot: QtBot) -> None:
    scene.start()
    scene.list(INFO)
    scene.state.open_set(INFO.folder)
    scene.state.set_config({"levels": 16}, {})
    with qtbot.waitSignal(scene.state.train_wanted) as wanted:
        scene.state.train()
    data, config = wanted.args
    assert data == "images" and (config["folder"], config["levels"]) == (INFO.folder, 16)


def test_the_palette_finds_every_data_set(scene: Scene) -> None:
    scene.start()
    scene.list(INFO)
    entries = {entry.title: entry for entry in scene.state.palette_entries()}
    assert len({entry.id for entry in entries.values()}) == len(entries) == len(scene.state.shipped) + 1
    assert entries["birds"].kind == "Data" and entries["birds"].panel == "data"
    entries["birds"].run()
    assert scene.state.opened.folder == INFO.folder


# ---- import ----------------------------------------------------------------------------------------------------------


def test_files_are_previewed_again_for_each_setting_after_a_pause(scene: Scene, qtbot: QtBot) -> None:
    scene.start()
    scene.state.import_files("/pictures")
    assistant = scene.state.assistant
    assert scene.state.view == "import" and scene.client.last(PreviewImport).refresh and not assistant.can_import
    scene.reply(PreviewImport, ImportProgressed(stage="Listing files", done=5))
    assert assistant.progress is not None and assistant.previewed is None
    scene.reply(PreviewImport, preview())
    assert assistant.can_import and assistant.progress is None
    assistant.set_settings({"size": 8}, {})
    assistant.set_settings({"size": 16}, {})
    assert not assistant.can_import  # what is shown is of other settings
    qtbot.waitUntil(lambda: scene.client.last(PreviewImport).settings == {"size": 16})
    assert not scene.client.last(PreviewImport).refresh
    assert [c.settings for c in scene.client.sent if isinstance(c, PreviewImport)] == [{}, {"size": 16}]


def test_wrong_settings_are_not_sent_and_refused_ones_are_said(scene: Scene, qtbot: QtBot) -> None:
    scene.start()
    scene.state.import_files("/pictures")
    assistant = scene.state.assistant
    scene.reply(PreviewImport, preview())
    assistant.set_settings({"size": "x"}, {"size": "Size is x."})
    assert assistant.problem == "Size is x." and not assistant.can_import
    assistant.start()
    assert not [c for c in scene.client.sent if isinstance(c, ImportData)]
    assistant.set_settings({"size": 999}, {})
    qtbot.waitUntil(lambda: scene.client.last(PreviewImport).settings == {"size": 999})
    fields = {"data_config.size": "At most 256."}
    failed = CommandFailed(command="P", message="At most 256.", reason=Reason.BAD_SETTING, fields=fields)
    scene.reply(PreviewImport, failed)
    assert assistant.refusals == {"size": "At most 256."} and not assistant.can_import


def test_samples_are_turned_within_the_ends(scene: Scene) -> None:
    scene.start()
    scene.state.import_files("/pictures")
    assistant = scene.state.assistant
    scene.reply(PreviewImport, preview())
    for page in (1, 2, 2):
        assistant.turn_page(1)
        assert scene.client.last(PreviewImport).page == assistant.page == page
    assistant.turn_page(-5)
    assert scene.client.last(PreviewImport).page == 0


def test_an_import_shows_progress_and_opens_the_set_with_its_settings(scene: Scene) -> None:
    scene.start()
    scene.list()
    scene.state.import_files("/pictures")
    assistant = scene.state.assistant
    assistant.settings = {"size": 8, "levels": 2, "invert": True}
    scene.reply(PreviewImport, preview())
    assistant.set_name("Birds")
    assistant.start()
    command = scene.client.last(ImportData)
    assert (command.path, command.name, command.settings["size"]) == ("/pictures", "Birds", 8)
    scene.reply(ImportData, ImportProgressed(stage="Decoding images", done=5, total=30, bad=1))
    assert assistant.importing and assistant.progress is not None and assistant.progress.bad == 1
    scene.reply(ImportData, DataSetDescribed(info=INFO, details=DETAILS))
    assert scene.state.view == "set" and scene.state.opened.folder == INFO.folder
    assert scene.state.info == INFO and not assistant.path
    config = scene.client.last(BrowseData).data_config
    assert (config["levels"], config["invert"], config["size"]) == (2, True, 0)


def test_a_cancelled_import_returns_to_the_preview(scene: Scene) -> None:
    scene.start()
    scene.state.import_files("/pictures")
    assistant = scene.state.assistant
    scene.reply(PreviewImport, preview())
    assistant.start()
    number = scene.client.last(ImportData).request
    assistant.stop()
    assert number in [c.target for c in scene.client.sent if isinstance(c, Cancel)]
    assert not assistant.importing and assistant.can_import and scene.state.view == "import"


def test_leaving_the_import_shows_what_was_open(scene: Scene) -> None:
    scene.start()
    scene.state.open_source("digits")
    scene.state.import_files("/pictures")
    scene.state.close_import()
    assert scene.state.view == "set" and scene.state.opened.data == "digits"


def test_files_chosen_before_the_engine_is_there_stay_in_view(scene: Scene) -> None:
    scene.state.restore_choices({"data": "mnist", "folder": ""})
    scene.state.import_files("/pictures")
    scene.start()
    assert scene.state.view == "import" and scene.state.assistant.path == "/pictures"
    scene.state.close_import()
    assert scene.state.view == "set" and scene.state.opened.data == "mnist"


def test_an_engine_that_ends_while_it_reads_files_is_said(scene: Scene) -> None:
    scene.start()
    scene.state.import_files("/pictures")
    gone = CommandFailed(command="PreviewImport", message="The engine ended.", reason=Reason.ENGINE_GONE)
    scene.reply(PreviewImport, gone)
    assistant = scene.state.assistant
    assert "Reload" in assistant.problem and not assistant.can_import
    assistant.refresh()
    scene.reply(PreviewImport, preview())
    assert assistant.can_import and not assistant.problem


def test_a_new_engine_is_asked_again(scene: Scene) -> None:
    scene.start()
    scene.state.open_source("digits")
    before = len([c for c in scene.client.sent if isinstance(c, BrowseData)])
    failed = CommandFailed(command="BrowseData", message="Gone.", reason=Reason.ENGINE_GONE)
    scene.reply(BrowseData, failed)
    assert not scene.state.opened.problem
    scene.start()
    assert len([c for c in scene.client.sent if isinstance(c, BrowseData)]) == before + 1


def test_the_first_set_opens_when_the_panel_is_first_shown(scene: Scene) -> None:
    scene.state.set_active(True)
    assert scene.state.view == "empty"
    scene.start()
    assert (scene.state.view, scene.state.opened.data) == ("set", scene.state.shipped[0].name)

"""Training while its data are loaded: the setup says so, and a start can be stopped before it began."""

from collections.abc import Iterator

import msgspec
import pytest
from pytestqt.qtbot import QtBot
from training_scene import Scene, catalog

from gmstudio.data import catalog as data_catalog
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data import BrowseData, DataLoading, DescribeModel, ModelDescribed
from gmstudio.protocol.data_import import DataSetInfo, DataSetsListed, ListDataSets
from gmstudio.protocol.engine import Cancel, CommandFailed, Reason
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.training import StartTraining

LOADING = DataLoading(load=1, title="birds", stage="Loading images", done=2, total=9)


@pytest.fixture
def scene(qtbot: QtBot) -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.close()


def reply(scene: Scene, kind: type[Command], event: Event) -> None:
    request = scene.client.last(kind).request
    scene.client.deliver(msgspec.structs.replace(event, request=request))


def described(scene: Scene) -> None:
    event = ModelDescribed(family=scene.state.setup.family, num_parameters=3, image=ImageSpec(1, 8, 8, 2))
    reply(scene, DescribeModel, event)


def test_a_start_whose_data_are_loaded_can_be_stopped(scene: Scene) -> None:
    described(scene)
    scene.state.start()
    assert scene.state.status == "starting" and not scene.state.can_stop
    reply(scene, StartTraining, LOADING)
    assert scene.state.loading is not None and scene.state.can_stop and not scene.state.is_live
    number = scene.client.last(StartTraining).request
    scene.state.stop()
    assert scene.client.last(Cancel).target == number
    assert scene.state.status == "idle" and scene.state.can_start and not scene.state.can_stop


def test_a_start_goes_on_when_its_data_are_loaded(scene: Scene) -> None:
    described(scene)
    scene.state.start()
    reply(scene, StartTraining, LOADING)
    reply(scene, StartTraining, msgspec.structs.replace(LOADING, over=True))
    assert scene.state.status == "starting" and scene.state.loading is None
    scene.begin()
    assert scene.state.status == "running" and scene.state.is_live


def test_the_setup_shows_what_it_waits_for_and_that_it_was_cancelled(scene: Scene) -> None:
    setup = scene.state.setup
    reply(scene, BrowseData, LOADING)
    reply(scene, DescribeModel, LOADING)
    assert setup.loading is not None and setup.loading.done == 2 and not setup.cancelled
    for kind in (BrowseData, DescribeModel):
        reply(scene, kind, CommandFailed(command=kind.__name__, message="", reason=Reason.CANCELLED))
    assert setup.loading is None and setup.cancelled and not setup.problem
    assert scene.state.can_start  # which loads them


def test_imported_sets_are_chosen_by_name_and_their_settings_stay(qtbot: QtBot) -> None:
    scene = Scene(with_catalog=False)
    scene.client.deliver(msgspec.structs.replace(catalog(), data=data_catalog()))
    setup = scene.state.setup
    birds = DataSetInfo(folder="/data/birds", name="birds", size=9, image=ImageSpec(1, 8, 8, 256))
    owls = msgspec.structs.replace(birds, folder="/data/owls", name="owls")
    reply(scene, ListDataSets, DataSetsListed(home="/data", sets=(birds, owls)))
    assert setup.data_set is None
    setup.choose_set(birds.folder)
    assert setup.data_set == birds and (setup.data, setup.data_config["folder"]) == ("images", birds.folder)
    setup.set_data_config({"levels": 2}, {})  # of a form that has no folder
    assert setup.data_config["folder"] == birds.folder
    setup.choose_set(owls.folder)
    assert setup.data_set == owls and setup.data_config["levels"] == 2
    setup.take_data("digits", {"levels": 4})
    assert setup.data_set is None and (setup.data, setup.data_config["levels"]) == ("digits", 4)
    scene.close()

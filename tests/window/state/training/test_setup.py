from collections.abc import Iterator

import msgspec
import pytest
from pytestqt.qtbot import QtBot
from training_scene import ELBO, SPEC, WEIGHTED, Scene, browsed, catalog

from gmstudio.protocol.data import BrowseData, DataEntry, DescribeModel, ModelDescribed
from gmstudio.protocol.engine import Catalog, CommandFailed
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training_settings import Training
from gmstudio.window.state.training.setup import TrainingSetup


@pytest.fixture
def scene(qtbot: QtBot) -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.close()


def _wait_for_describe(scene: Scene, qtbot: QtBot, count: int = 1) -> DescribeModel:
    def arrived() -> bool:
        return sum(isinstance(c, DescribeModel) for c in scene.client.sent) >= count

    qtbot.waitUntil(arrived, timeout=3000)
    return scene.client.last(DescribeModel)


def _answer(scene: Scene, parameters: int = 99) -> None:
    request = scene.client.last(DescribeModel).request
    scene.client.deliver(ModelDescribed(request=request, family="vae", num_parameters=parameters, image=SPEC))


def test_the_first_family_and_source_are_chosen_with_their_defaults(scene: Scene) -> None:
    setup: TrainingSetup = scene.state.setup
    assert (setup.family, setup.data) == ("vae", "digits")
    assert setup.config["num_latent"] == 10 and setup.training["steps"] == 1500
    assert setup.data_config == {"levels": 2}
    setup.choose_family("gan")
    assert setup.training["steps"] == 4000


def test_values_are_remembered_per_family_and_survive_a_new_engine(scene: Scene) -> None:
    setup = scene.state.setup
    setup.set_config(setup.config | {"num_latent": 2}, {})
    setup.choose_family("gan")
    setup.choose_family("vae")
    assert setup.config["num_latent"] == 2
    setup.choose_family("gan")
    scene.client.deliver(catalog())
    assert setup.family == "gan"
    setup.choose_family("vae")
    assert setup.spec.config["num_latent"] == 2


def test_typing_is_described_once_it_rests(scene: Scene, qtbot: QtBot) -> None:
    setup = scene.state.setup
    for latent in (2, 20, 200):
        setup.set_config(setup.config | {"num_latent": latent}, {})
    _answer(scene)
    command = _wait_for_describe(scene, qtbot, count=2)
    assert command.spec.config["num_latent"] == 200
    assert sum(isinstance(c, DescribeModel) for c in scene.client.sent) == 2
    _answer(scene)
    assert setup.described is not None and setup.described.num_parameters == 99


def test_what_is_invalid_as_typed_is_not_sent(scene: Scene) -> None:
    setup = scene.state.setup
    setup.set_config(setup.config, {"num_latent": "Latent dimensions is x; it must be …"})
    assert setup.problem.startswith("Latent dimensions")
    assert not scene.state.can_start
    setup.set_config(setup.config, {})
    assert scene.state.can_start


def test_refusals_reach_their_fields_until_something_changes(scene: Scene) -> None:
    setup = scene.state.setup
    command = scene.client.last(DescribeModel)
    fields = {"config.num_latent": "too many", "data_config.levels": "too few"}
    scene.client.deliver(
        CommandFailed(request=command.request, command="DescribeModel", message="too many", fields=fields)
    )
    assert setup.refusals("config") == {"num_latent": "too many"}
    assert setup.refusals("data_config") == {"levels": "too few"}
    assert not scene.state.can_start
    setup.set_config(setup.config | {"num_latent": 3}, {})
    assert setup.refusals("config") == {} and setup.problem == ""


def test_an_answer_to_older_settings_is_not_believed(scene: Scene, qtbot: QtBot) -> None:
    setup = scene.state.setup
    command = _wait_for_describe(scene, qtbot)
    setup.set_config(setup.config | {"num_latent": 3}, {})
    scene.client.deliver(
        ModelDescribed(request=command.request, family="vae", num_parameters=1, image=browsed(0).image)
    )
    assert setup.described is None
    newer = _wait_for_describe(scene, qtbot, count=2)
    scene.client.deliver(ModelDescribed(request=newer.request, family="vae", num_parameters=2, image=browsed(0).image))
    assert setup.described is not None and setup.described.num_parameters == 2


def test_data_are_browsed_and_browsed_again_when_changed(scene: Scene, qtbot: QtBot) -> None:
    setup = scene.state.setup
    first = scene.client.last(BrowseData)
    scene.client.deliver(browsed(first.request))
    assert setup.browsed is not None
    setup.set_data_config({"levels": 4}, {})
    qtbot.waitUntil(lambda: scene.client.last(BrowseData) is not first, timeout=3000)
    assert scene.client.last(BrowseData).data_config == {"levels": 4}


def test_the_objective_follows_the_settings(scene: Scene) -> None:
    setup = scene.state.setup
    assert setup.objective == ELBO
    with_beta = setup.config | {"beta": 4.0}
    setup.set_config(with_beta, {})
    assert setup.objective == WEIGHTED


def proposing_catalog(family: str = "gan") -> Catalog:
    """Catalog in which one family proposes the second data source, with settings of its own."""
    known = catalog()
    start = RunSpec(
        family=family,
        config={"objective": "minimax"},
        data="idx",
        data_config={"folder": "", "levels": 16},
        training=msgspec.to_builtins(Training(steps=77)),
    )
    families = tuple(
        msgspec.structs.replace(entry, start=start) if entry.card.name == family else entry for entry in known.families
    )
    return msgspec.structs.replace(known, families=families)


def test_a_family_brings_the_data_and_settings_that_it_proposes(scene: Scene) -> None:
    setup = scene.state.setup
    scene.client.deliver(proposing_catalog())
    shown: list[str] = []
    setup.data_changed.connect(lambda: shown.append(setup.data))
    setup.choose_family("gan")
    assert (setup.data, setup.data_config["levels"]) == ("idx", 16) and shown == ["idx"]
    assert setup.config == {"objective": "minimax"} and setup.training["steps"] == 77
    scene.client.deliver(browsed(scene.client.last(BrowseData).request))
    assert scene.client.last(BrowseData).data_config["levels"] == 16


def test_data_that_the_user_chose_stay_and_training_has_the_defaults_for_them(scene: Scene) -> None:
    setup = scene.state.setup
    scene.client.deliver(proposing_catalog())
    setup.choose_data("digits")
    setup.choose_family("gan")
    assert setup.data == "digits" and setup.training["steps"] == 4000
    setup.set_training(setup.training | {"seed": 5}, {})
    setup.choose_data("idx")
    assert setup.training["steps"] == 77 and setup.training["seed"] == 5
    assert setup.data_config["levels"] == 16
    kept = setup.snapshot()
    setup.restore(kept)
    setup.choose_family("vae")
    assert setup.data == "idx"


def test_the_first_family_brings_its_data_at_the_first_start_only(qtbot: QtBot) -> None:
    scene = Scene()
    scene.client.deliver(proposing_catalog("vae"))
    assert (scene.state.setup.family, scene.state.setup.data) == ("vae", "idx")
    scene.state.setup.choose_data("digits")
    scene.client.deliver(proposing_catalog("vae"))
    assert scene.state.setup.data == "digits"
    scene.close()


def test_on_points_a_family_has_settings_of_its_own_and_what_was_changed_stays(scene: Scene) -> None:
    known = catalog()
    vae, gan = known.families
    proposed = RunSpec(
        family="vae",
        config={**scene.state.setup.config, "num_latent": 2},
        data="points",
        data_config={"shape": "moons"},
        training={**msgspec.to_builtins(vae.training), "steps": 300},
    )
    points = DataEntry(
        name="points",
        title="Points",
        summary="Of the plane.",
        config_schema={"properties": {"shape": {"type": "string", "default": "ring"}}},
    )
    families = (msgspec.structs.replace(vae, start_on_points=proposed), gan)
    scene.client.deliver(msgspec.structs.replace(known, families=families, data=(*known.data, points)))
    setup = scene.state.setup
    assert setup.config["num_latent"] == 10 and setup.training["steps"] == 1500
    setup.set_config(setup.config | {"beta": 4.0}, {})
    setup.choose_data("points")
    assert (setup.config["num_latent"], setup.config["beta"], setup.training["steps"]) == (2, 4.0, 300)
    assert setup.data_config == {"shape": "moons"} and setup.defaults("config")["num_latent"] == 2
    setup.set_training(setup.training | {"steps": 50}, {})
    setup.choose_family("gan")
    assert setup.data_config == {"shape": "ring"} and setup.training["steps"] == 4000
    setup.choose_family("vae")
    setup.choose_data("digits")
    assert (setup.config["num_latent"], setup.config["beta"], setup.training["steps"]) == (10, 4.0, 50)

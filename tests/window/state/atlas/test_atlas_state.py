"""State of the Atlas: ready models, live samples within their share of the engine, measures, demonstrations."""

import numpy as np
import pytest
from atlas_scene import SPEC, AtlasScene, catalog, info
from pytestqt.qtbot import QtBot

from gmstudio.protocol.atlas import MeasureSampling, RunDemonstration, SamplingMeasured, SceneShown
from gmstudio.protocol.engine import Cancel, CommandFailed, Reason
from gmstudio.protocol.scenes import Scene, Sentence
from gmstudio.protocol.training import TrainingChanged
from gmstudio.window.state.atlas.live import COUNT

WAIT_MS = 5000


@pytest.fixture
def scene(qtbot: QtBot) -> AtlasScene:
    return AtlasScene()


def failed(command: object, message: str, reason: Reason = Reason.RUN_UNUSABLE) -> CommandFailed:
    return CommandFailed(
        request=command.request,  # type: ignore[attr-defined]
        command=type(command).__name__,
        message=message,
        reason=reason,
    )


def test_the_example_stands_for_a_family_before_the_users_runs(scene: AtlasScene) -> None:
    scene.start(info("/mine", "vae"), info("/gan", "gan"), info("/vae", "vae", example=True))
    state = scene.state
    assert (state.ready_run("vae"), state.ready_run("gan"), state.ready_run("pixelcnn")) == ("/vae", "/gan", "")


def test_the_page_says_where_the_model_comes_from(scene: AtlasScene) -> None:
    scene.start(info("/gan", "gan"), info("/vae", "vae", example=True))
    words = {}
    for name in ("vae", "gan", "pixelcnn"):
        scene.select(name)
        words[name] = scene.state.ready_words
    assert words["vae"] == "Ready model: Digits, 600 steps."
    assert words["gan"] == "Your run: gan of /gan, 600 steps."
    assert words["pixelcnn"].startswith("No model of this family yet")


def test_nothing_is_drawn_before_the_panel_is_seen(scene: AtlasScene) -> None:
    scene.start()
    scene.select("vae")
    assert not scene.draws(COUNT)
    scene.state.set_active(True)
    assert [command.run for command in scene.draws(COUNT)] == ["/vae"]


def test_samples_are_renewed_with_another_seed(qtbot: QtBot, scene: AtlasScene) -> None:
    scene.start()
    scene.state.set_active(True)
    scene.select("vae")
    scene.draw(scene.draws(COUNT)[0])
    assert scene.state.live.ms_per_image == pytest.approx(1.0)
    qtbot.waitUntil(lambda: len(scene.draws(COUNT)) == 2, timeout=WAIT_MS)
    first, second = scene.draws(COUNT)
    assert first.seed != second.seed
    scene.state.set_active(False)


def test_growing_samples_are_shown_and_not_measured(scene: AtlasScene) -> None:
    scene.start()
    scene.state.set_active(True)
    scene.select("vae")
    scene.draw(scene.draws(COUNT)[0], done=False, level=7)
    live = scene.state.live
    assert live.images is not None and np.unique(live.images).tolist() == [7]
    assert live.ms_per_image is None and live.busy
    scene.state.set_active(False)


def test_pausing_begins_no_further_set(scene: AtlasScene) -> None:
    scene.start()
    scene.state.set_active(True)
    scene.select("vae")
    scene.state.live.pause(True)
    scene.draw(scene.draws(COUNT)[0])
    scene.state.live._draw()
    assert len(scene.draws(COUNT)) == 1
    scene.state.live.pause(False)
    assert len(scene.draws(COUNT)) == 2
    scene.state.set_active(False)


def test_while_something_trains_samples_wait_longer(scene: AtlasScene) -> None:
    scene.start()
    scene.state.set_active(True)
    scene.select("vae")
    scene.draw(scene.draws(COUNT)[0], ms=2000.0)
    idle = scene.state.live._timer.remainingTime()
    scene.client.deliver(TrainingChanged(run="/vae", status="running", step=1, message=""))
    scene.state.live._draw()
    scene.draw(scene.draws(COUNT)[-1], ms=2000.0)
    busy = scene.state.live._timer.remainingTime()
    assert busy > 4 * idle > 0
    scene.state.set_active(False)


def test_leaving_the_panel_cancels_the_work(scene: AtlasScene) -> None:
    scene.start()
    scene.state.set_active(True)
    scene.select("vae")
    command = scene.draws(COUNT)[0]
    scene.state.set_active(False)
    assert command.request in [c.target for c in scene.client.sent if isinstance(c, Cancel)]
    assert not scene.state.live.busy


def test_another_family_has_samples_of_its_own(scene: AtlasScene) -> None:
    scene.start()
    scene.state.set_active(True)
    scene.select("vae")
    scene.draw(scene.draws(COUNT)[0])
    scene.select("pixelcnn")
    live = scene.state.live
    assert live.run == "/pixelcnn" and live.images is None and live.ms_per_image is None
    scene.draw(scene.draws(COUNT)[0])  # a late reply to the one before
    assert live.images is None
    scene.state.set_active(False)


def test_a_failure_is_said_and_not_repeated(scene: AtlasScene) -> None:
    scene.start()
    scene.state.set_active(True)
    scene.select("vae")
    scene.client.deliver(failed(scene.draws(COUNT)[0], "The run is damaged."))
    assert scene.state.live.problem == "The run is damaged."
    scene.state.live._draw()
    assert len(scene.draws(COUNT)) == 1
    scene.client.deliver(catalog())
    assert len(scene.draws(COUNT)) == 2, "a new engine may do it"
    scene.state.set_active(False)


def test_every_ready_model_gets_a_thumbnail_in_turn(qtbot: QtBot, scene: AtlasScene) -> None:
    scene.start()
    scene.state.set_active(True)
    drawn = []
    scene.state.thumbnails.drawn.connect(drawn.append)
    for number in (1, 2):
        qtbot.waitUntil(lambda number=number: len(scene.draws(1)) >= number, timeout=WAIT_MS)
        scene.draw(scene.draws(1)[-1], level=number)
    assert sorted(drawn) == ["pixelcnn", "vae"]
    assert {key: image.shape for key, image in scene.state.thumbnails.images.items()} == {
        "vae": SPEC.shape,
        "pixelcnn": SPEC.shape,
    }
    scene.state.set_active(False)


def test_a_model_that_fails_is_left_out_of_the_turn(qtbot: QtBot, scene: AtlasScene) -> None:
    scene.start()
    scene.state.set_active(True)
    qtbot.waitUntil(lambda: len(scene.draws(1)) == 1, timeout=WAIT_MS)
    bad = scene.draws(1)[0]
    scene.client.deliver(failed(bad, "Damaged."))
    for number in (2, 3):
        qtbot.waitUntil(lambda number=number: len(scene.draws(1)) >= number, timeout=WAIT_MS)
        assert scene.draws(1)[-1].run != bad.run
        scene.draw(scene.draws(1)[-1])
    scene.state.set_active(False)


def test_a_model_is_measured_once_after_its_first_samples(scene: AtlasScene) -> None:
    scene.start()
    scene.state.set_active(True)
    scene.select("vae")
    sent = lambda: [c for c in scene.client.sent if isinstance(c, MeasureSampling)]  # noqa: E731
    assert not sent(), "the samples are waited for"
    scene.draw(scene.draws(COUNT)[0])
    (command,) = sent()
    scene.client.deliver(
        SamplingMeasured(
            request=command.request, run="/vae", passes=1, by_pixel=False, num_parameters=77, latent_dims=3
        )
    )
    assert {fact.name: fact.value for fact in scene.state.facts()}["Parameters"] == "77"
    scene.select("pixelcnn")
    scene.select("vae")
    scene.draw(scene.draws(COUNT)[-1])
    assert len(sent()) == 1
    scene.state.set_active(False)


def test_a_demonstration_gets_the_ready_models_of_its_families(scene: AtlasScene) -> None:
    scene.start(info("/gan", "gan"), info("/vae", "vae", example=True))
    scene.state.demonstrate("holes")
    command = scene.client.last(RunDemonstration)
    assert command.name == "holes"
    assert command.models == {"vae": "/vae"}, "runs of the user may be of anything; only examples are known to fit"
    assert scene.state.demonstration


def test_scenes_are_shown_until_the_end(scene: AtlasScene) -> None:
    scene.start()
    scene.state.demonstrate("race")
    player, command = scene.state.player, scene.client.last(RunDemonstration)
    for number, done in ((1, False), (2, True)):
        shown = Scene(rows=((Sentence(text=f"scene {number}"),),), progress=number / 2)
        scene.client.deliver(SceneShown(request=command.request, name="race", scene=shown, done=done))
        assert player.scene == shown and player.running is not done


def test_stopping_keeps_the_scene_and_replaying_takes_another_seed(scene: AtlasScene) -> None:
    scene.start()
    scene.state.demonstrate("race")
    player, command = scene.state.player, scene.client.last(RunDemonstration)
    shown = Scene(rows=((Sentence(text="half"),),), progress=0.5)
    scene.client.deliver(SceneShown(request=command.request, name="race", scene=shown, done=False))
    player.stop()
    assert not player.running and player.scene == shown and player.problem
    player.replay(other_seed=True)
    assert player.running and scene.client.last(RunDemonstration).seed == command.seed + 1


def test_the_end_of_the_engine_is_said_on_the_page(scene: AtlasScene) -> None:
    scene.start()
    scene.state.demonstrate("race")
    scene.client.deliver(failed(scene.client.last(RunDemonstration), "gone", Reason.ENGINE_GONE))
    assert "Replay" in scene.state.player.problem


def test_samples_rest_during_a_demonstration(scene: AtlasScene) -> None:
    scene.start()
    scene.state.set_active(True)
    scene.select("vae")
    scene.state.demonstrate("race")
    assert not scene.state.live.busy
    scene.select("vae")
    assert scene.state.live.busy
    scene.state.set_active(False)


def test_the_selected_node_is_there_again_once_its_family_is_known(scene: AtlasScene) -> None:
    scene.start()
    scene.select("gan")
    kept = scene.state.choices()
    other = AtlasScene()
    other.state.restore_choices(kept)
    assert other.state.node.path == ()
    other.start()
    assert other.state.node.name == "gan"


def test_the_palette_finds_every_node_and_demonstration(scene: AtlasScene) -> None:
    scene.start()
    entries = {entry.id: entry for entry in scene.state.palette_entries()}
    for node in scene.state.tree.nodes:
        entries[f"theory:{node.name}"].run()
        assert scene.state.node.path == node.path
    entries["demonstration:race"].run()
    assert scene.client.last(RunDemonstration).name == "race"

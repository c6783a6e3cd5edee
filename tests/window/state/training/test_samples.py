from training_scene import Scene, grid, opened

from gmstudio.protocol.runs import FetchSamples


def test_new_grids_are_shown_as_they_come() -> None:
    scene = Scene()
    scene.begin()
    samples = scene.state.samples
    for step in (50, 100):
        scene.client.deliver(grid("/runs/a", step))
        assert samples.shown is not None and samples.shown.step == step
    assert samples.steps == [50, 100]


def test_going_back_fetches_the_kept_grid_and_stays_there() -> None:
    scene = Scene()
    scene.begin(sample_steps=(50, 100))
    scene.client.deliver(grid("/runs/a", 100, request=scene.client.last(FetchSamples).request, kept=(50, 100)))
    samples = scene.state.samples
    samples.show_step(70)
    fetch = scene.client.last(FetchSamples)
    assert fetch.step == 50
    scene.client.deliver(grid("/runs/a", 50, request=fetch.request, kept=(50, 100)))
    assert samples.shown is not None and samples.shown.step == 50 and not samples.following
    scene.client.deliver(grid("/runs/a", 150))
    assert samples.shown.step == 50
    assert samples.steps == [50, 100, 150]
    samples.follow()
    assert samples.shown.step == 150


def test_seen_grids_are_not_fetched_again() -> None:
    scene = Scene()
    scene.begin()
    for step in (50, 100, 150):
        scene.client.deliver(grid("/runs/a", step))
    sent = len(scene.client.sent)
    scene.state.samples.show_step(100)
    assert scene.state.samples.shown is not None and scene.state.samples.shown.step == 100
    assert len(scene.client.sent) == sent


def test_grids_of_another_run_are_not_mixed_in() -> None:
    scene = Scene()
    scene.begin()
    scene.client.deliver(grid("/runs/a", 50))
    scene.client.deliver(grid("/runs/b", 60))
    assert scene.state.samples.steps == [50]
    scene.client.deliver(opened("/runs/b", live=False, sample_steps=(60,), status="stopped"))
    scene.state.choose_run("/runs/b")
    assert scene.state.samples.steps == [60]
    assert scene.state.samples.shown is None

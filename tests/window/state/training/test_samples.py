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


def test_the_newest_grid_comes_back_with_its_run() -> None:
    """Grids that were saved since the run was opened are not in its description."""
    scene = Scene()
    scene.begin(sample_steps=(50,))
    for step in (100, 150):
        scene.client.deliver(grid("/runs/a", step))
    scene.client.deliver(opened("/runs/b", live=False, status="stopped"))
    scene.state.choose_run("/runs/b")
    scene.state.choose_run("/runs/a")
    samples = scene.state.samples
    fetch = scene.client.last(FetchSamples)
    assert (fetch.run, fetch.step) == ("/runs/a", None)
    scene.client.deliver(grid("/runs/a", 150, request=fetch.request, kept=(50, 100, 150)))
    assert samples.shown is not None and samples.shown.step == 150
    assert samples.steps == [50, 100, 150] and samples.following


def test_a_run_opened_again_keeps_the_grid_that_was_chosen() -> None:
    scene = Scene()
    scene.begin(sample_steps=(50, 100))
    scene.client.deliver(grid("/runs/a", 100, request=scene.client.last(FetchSamples).request, kept=(50, 100)))
    samples = scene.state.samples
    samples.show_step(50)
    scene.client.deliver(grid("/runs/a", 50, request=scene.client.last(FetchSamples).request, kept=(50, 100)))
    scene.client.deliver(opened("/runs/a", live=False, sample_steps=(50, 100, 150), status="finished"))
    fetch = scene.client.last(FetchSamples)
    assert fetch.step == 50 and not samples.following
    scene.client.deliver(grid("/runs/a", 50, request=fetch.request, kept=(50, 100, 150)))
    assert samples.shown is not None and samples.shown.step == 50

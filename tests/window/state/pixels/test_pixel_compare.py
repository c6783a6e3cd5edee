"""Two models on the same context: runs to compare with, and scores of both."""

import math

import numpy as np
import pytest
from pixel_engine import PixelEngine
from tiny_autoregressive import TinyAutoregressive

from gmstudio.protocol.engine import CommandFailed, EngineReported
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import ComparePixels
from gmstudio.protocol.runs import RunsListed
from gmstudio.protocol.training import TrainingChanged
from gmstudio.window.state.pixels.comparison import PixelComparison, kl_nats
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.runs.library import RunLibrary

SPEC = ImageSpec(channels=1, height=4, width=3, levels=4)
OTHER, THIRD, FOREIGN = "/runs/other", "/runs/third", "/runs/foreign"
OWN = "/runs/tiny"


@pytest.fixture
def engine() -> PixelEngine:
    engine = PixelEngine(SPEC)
    engine.others = {OTHER: TinyAutoregressive(SPEC, seed=5), THIRD: TinyAutoregressive(SPEC, seed=6)}
    return engine


@pytest.fixture
def session(engine: PixelEngine) -> PixelsState:
    session = PixelsState(engine, RunLibrary(engine))
    engine.hello()
    foreign = engine.info(FOREIGN, image=ImageSpec(1, 4, 3, 2))
    runs = (engine.info(OWN), engine.info(OTHER), engine.info(THIRD), foreign)
    engine.deliver(RunsListed(home="/runs", runs=runs, problems=()))
    session.choose_run(OWN)
    session.set_active(True)
    session.navigator.draw_to(5)
    engine.serve()
    session.navigator.draw_to(5)
    engine.serve()
    return session


@pytest.fixture
def comparison(session: PixelsState) -> PixelComparison:
    return session.comparison


def asked(engine: PixelEngine) -> int:
    return sum(isinstance(command, ComparePixels) for command in engine.sent)


def test_only_runs_of_the_same_images_the_own_one_last(comparison: PixelComparison) -> None:
    assert [info.run for info in comparison.candidates()] == [OTHER, THIRD, OWN]


def test_becoming_active_chooses_the_first_other_run_and_scores_it(
    comparison: PixelComparison, session: PixelsState, engine: PixelEngine
) -> None:
    assert asked(engine) == 0
    comparison.set_active(True)
    engine.serve()
    assert comparison.other == OTHER
    compared, state = comparison.compared, session.state
    assert compared is not None and state is not None and compared.other.step == state.step == 5
    other_model = comparison.other_model(state)
    assert other_model is not None and other_model.sum() == pytest.approx(1, abs=1e-5)
    assert compared.advantage == pytest.approx(compared.other_nats - state.total_nats)
    assert compared.other_bits_per_dim == pytest.approx(compared.other_nats / 5 / math.log(2))


def test_the_ratio_of_each_pixel_adds_up_to_the_difference(
    comparison: PixelComparison, session: PixelsState, engine: PixelEngine
) -> None:
    comparison.set_active(True)
    engine.serve()
    assert comparison.compared is not None
    ratio = comparison.compared.log_ratio()
    assert np.isnan(ratio).sum() == 7
    assert np.nansum(ratio) == pytest.approx(-comparison.compared.advantage, abs=1e-4)


def test_it_follows_the_generation(comparison: PixelComparison, session: PixelsState, engine: PixelEngine) -> None:
    comparison.set_active(True)
    session.navigator.go_to(2)
    engine.serve()
    assert comparison.compared is not None and comparison.compared.other.step == 2
    session.navigator.finish()
    engine.serve()
    assert comparison.compared.other.step == 12
    assert comparison.compared.divergences() is None
    assert session.state is not None and comparison.other_model(session.state) is None


def test_with_itself_nothing_differs(comparison: PixelComparison, engine: PixelEngine) -> None:
    comparison.choose(OWN)
    comparison.set_active(True)
    engine.serve()
    compared = comparison.compared
    assert compared is not None and compared.advantage == pytest.approx(0, abs=1e-4)
    divergences = compared.divergences()
    assert divergences is not None and max(divergences) < 1e-6


def test_models_are_told_apart_by_their_names(comparison: PixelComparison, engine: PixelEngine) -> None:
    comparison.set_active(True)
    engine.serve()
    title = "PixelCNN on digits"
    assert comparison.names() == (f"{title}, step 400", f"{title}, step 400 (2)")
    runs = (engine.info(OWN), engine.info(OTHER, title="NADE on digits"))
    engine.deliver(RunsListed(home="/runs", runs=runs, problems=()))
    assert comparison.names() == (title, "NADE on digits")


def test_a_refused_pair_is_reported(comparison: PixelComparison, engine: PixelEngine) -> None:
    engine.others[OTHER] = TinyAutoregressive(ImageSpec(1, 3, 3, 4))
    comparison.set_active(True)
    engine.serve()
    assert "choose a run of the same images" in comparison.problem and comparison.compared is None
    comparison.choose(THIRD)
    engine.serve()
    assert comparison.problem == "" and comparison.compared is not None


def test_a_run_that_trains_is_scored_again(comparison: PixelComparison, engine: PixelEngine) -> None:
    comparison.set_active(True)
    engine.serve()
    engine.deliver(TrainingChanged(run=OTHER, status="running", step=400))
    before = asked(engine)
    engine.deliver(EngineReported(state="training", device="CPU", memory_bytes=1, step=401))
    assert asked(engine) == before, "within the budget"
    comparison.training_budget.reset()
    engine.deliver(EngineReported(state="training", device="CPU", memory_bytes=1, step=440))
    assert asked(engine) == before + 1
    engine.weights_step = 440
    engine.serve()
    assert comparison.compared is not None and comparison.compared.other.weights_step == 440


def test_a_choice_that_no_longer_fits_is_dropped(
    comparison: PixelComparison, session: PixelsState, engine: PixelEngine
) -> None:
    comparison.set_active(True)
    engine.serve()
    runs = (engine.info(OWN), engine.info(THIRD))
    engine.deliver(RunsListed(home="/runs", runs=runs, problems=()))
    assert comparison.other == THIRD, "the next one takes its place while active"


def test_a_late_refusal_about_what_was_left_is_not_shown(
    comparison: PixelComparison, session: PixelsState, engine: PixelEngine
) -> None:
    comparison.set_active(True)
    request = engine.last(ComparePixels).request
    engine.answered = len(engine.sent)
    session.reset()
    engine.serve()
    engine.deliver(CommandFailed(request=request, command="ComparePixels", message="No such session."))
    assert comparison.problem == ""


def test_kl() -> None:
    p, q = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    assert kl_nats(p, q) == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3))
    assert kl_nats(p, p) == 0
    assert kl_nats(np.array([1.0, 0.0]), q) == pytest.approx(math.log(4))

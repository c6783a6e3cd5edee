"""Every legal transition between the phases of a generation happens, and no other does."""

import random
from collections.abc import Callable

import numpy as np
import pytest
from pixel_engine import RUN, SPEC, PixelEngine
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.pixels import ClosePixels, OpenPixels, PixelsMoved, RewindPixels
from gmstudio.window.state.pixels import navigator as navigator_module
from gmstudio.window.state.pixels.generation_link import NewGeneration
from gmstudio.window.state.pixels.navigator import PixelNavigator
from gmstudio.window.state.pixels.phases import (
    TRANSITIONS,
    Closed,
    Editing,
    Finishing,
    Idle,
    Moving,
    Opening,
    Phase,
    Playing,
    Starting,
    Stepping,
    check_transition,
)

END = SPEC.num_dims
HALF = END // 2
Pair = tuple[type[Phase], type[Phase]]
PAIRS = sorted(((a, b) for a, allowed in TRANSITIONS.items() for b in allowed), key=str)


class Scene:
    """A generation of which half is placed, and the transitions that were seen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: set[Pair] = set()
        monkeypatch.setattr(navigator_module, "check_transition", self._record)
        self.engine = PixelEngine()
        self.navigator = PixelNavigator(self.engine)
        self.navigator.open(NewGeneration(OpenPixels(run=RUN)))
        self.engine.serve()
        self.navigator.draw_to(HALF)
        self.engine.serve()
        self.seen.clear()

    def _record(self, before: Phase, after: Phase) -> None:
        check_transition(before, after)
        self.seen.add((type(before), type(after)))

    @property
    def in_flight(self) -> int:
        """Commands that the engine has not answered."""
        return len([c for c in self.engine.sent[self.engine.answered :] if not isinstance(c, ClosePixels)])

    def open_observed(self) -> None:
        """Open the whole of a real image, to begin in the middle of it."""
        levels = Array.of(self.engine.data[0])
        self.navigator.open(NewGeneration(OpenPixels(run=RUN, levels=levels, num_placed=END), target=HALF, stale=True))

    def start(self) -> None:
        """Have the image open, and be on the way back to its middle."""
        self.open_observed()
        self.engine.serve(1)

    def place(self) -> None:
        """Place a value, with the command in flight."""
        self.navigator.choose(0)

    def go_to_end(self) -> None:
        """Have the whole image placed."""
        self.navigator.draw_to(END)
        self.engine.serve()

    def refuse(self) -> None:
        """Have the engine refuse a generation."""
        self.navigator.open(NewGeneration(OpenPixels(run=RUN, num_placed=3)))
        self.engine.serve()


def step_from_busy(scene: Scene) -> None:
    scene.place()
    scene.navigator.forward()


def edit(scene: Scene) -> None:
    scene.navigator.edit(1)


def be_opening(scene: Scene) -> None:
    scene.open_observed()


def be_moving(scene: Scene) -> None:
    scene.navigator.draw_to(HALF + 1)


REACH: dict[type[Phase], Callable[[Scene], None]] = {
    Closed: lambda scene: scene.navigator.lose(),
    Opening: be_opening,
    Starting: Scene.start,
    Idle: lambda _scene: None,
    Moving: be_moving,
    Stepping: step_from_busy,
    Playing: lambda scene: scene.navigator.play(),
    Finishing: lambda scene: scene.navigator.finish(),
    Editing: edit,
}
"""Ways to each phase from the scene's beginning."""
NEXT: dict[type[Phase], Callable[[Scene], None]] = {
    Closed: lambda scene: scene.navigator.lose(),
    Opening: be_opening,
    Starting: lambda scene: scene.navigator.play(),
    Idle: Scene.place,
    Moving: lambda scene: scene.navigator.go_to(1),
    Stepping: lambda scene: scene.navigator.forward(),
    Playing: lambda scene: scene.navigator.play(),
    Finishing: lambda scene: scene.navigator.finish(),
    Editing: edit,
}
"""Actions that lead to each phase from most others."""


def then_serve(action: Callable[[PixelNavigator], None]) -> Callable[[Scene], None]:
    """An action that takes effect only where the generation begins."""

    def run(scene: Scene) -> None:
        action(scene.navigator)
        scene.engine.serve()

    return run


SPECIAL: dict[Pair, Callable[[Scene], None]] = {
    (Opening, Starting): lambda scene: scene.engine.serve(1),
    (Opening, Idle): Scene.refuse,
    (Starting, Idle): lambda scene: scene.engine.serve(),
    (Starting, Stepping): then_serve(PixelNavigator.forward),
    (Starting, Playing): then_serve(PixelNavigator.play),
    (Starting, Finishing): then_serve(PixelNavigator.finish),
    (Idle, Stepping): step_from_busy,
    (Editing, Idle): lambda scene: scene.navigator.leave_edit(),
    (Playing, Playing): lambda scene: scene.engine.serve(1),
}
"""Actions for the other transitions."""


@pytest.fixture
def scene(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=lambda kind: kind.__name__)
def test_every_legal_transition_happens(scene: Scene, before: type[Phase], after: type[Phase]) -> None:
    if after is Starting and before not in (Opening, Starting):  # playing it again from the start
        scene.go_to_end()
    if after is Starting and before is Stepping:
        scene.navigator.edit(1)
        scene.engine.serve()
        scene.navigator.leave_edit()  # in flight, with the whole image shown
        scene.navigator.forward()
    else:
        REACH[before](scene)
    assert type(scene.navigator.phase) is before
    SPECIAL.get((before, after), NEXT[after])(scene)
    assert (before, after) in scene.seen
    scene.navigator.pause()
    scene.engine.serve()
    assert not scene.navigator.busy


def test_without_a_generation_before_a_refusal_closes(scene: Scene) -> None:
    scene.navigator.lose()
    scene.refuse()
    assert (Opening, Closed) in scene.seen and not scene.navigator.usable


def test_a_transition_that_is_not_legal_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="Moving after Closed"):
        check_transition(Closed(), Moving(3))


def test_what_is_chosen_while_it_opens_follows_where_it_begins(scene: Scene) -> None:
    navigator = scene.navigator
    scene.open_observed()
    navigator.play()
    assert navigator.playing and navigator.opening
    navigator.forward(2)
    navigator.forward()
    assert not navigator.playing
    scene.engine.serve()
    assert navigator.state is not None and (navigator.state.step, navigator.state.path) == (HALF + 3, HALF + 3)
    scene.open_observed()
    navigator.finish()
    assert navigator.finishing
    navigator.pause()
    scene.engine.serve()
    assert navigator.state.step == HALF
    scene.open_observed()
    navigator.finish()
    scene.engine.serve()
    assert navigator.state.finished and navigator.chosen == frozenset()


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_pressed_transitions_are_legal_and_commands_go_one_at_a_time(scene: Scene, seed: int) -> None:
    chance = random.Random(seed)
    navigator, engine = scene.navigator, scene.engine
    actions: list[Callable[[], object]] = [
        navigator.play,
        navigator.pause,
        navigator.finish,
        navigator.forward,
        navigator.back,
        lambda: navigator.forward(chance.randrange(4)),
        lambda: navigator.draw_to(chance.randrange(END + 1), stops_at_breakpoints=chance.random() < 0.5),
        lambda: navigator.go_to(chance.randrange(END + 1)),
        lambda: navigator.choose(chance.randrange(SPEC.levels)),
        lambda: navigator.edit(chance.randrange(END)),
        navigator.leave_edit,
        lambda: navigator.set_keep_following(chance.random() < 0.5),
        lambda: navigator.set_seed(chance.randrange(3)),
        lambda: navigator.set_temperature(chance.choice((0.5, 1.0))),
        scene.open_observed,
        lambda: navigator.open(NewGeneration(OpenPixels(run=RUN), same_weights=True)),
        lambda: engine.serve(chance.randrange(3)),
        lambda: engine.serve(chance.randrange(3)),
        lambda: engine.serve(),
    ]
    refusals: list[str] = []
    navigator.failed.connect(refusals.append)
    for _ in range(400):
        chance.choice(actions)()
        assert scene.in_flight <= 1
        assert navigator.opening or navigator.usable
    navigator.leave_edit()
    navigator.pause()
    engine.serve()
    assert not navigator.busy and type(navigator.phase) is Idle
    assert refusals == []
    state = navigator.state
    assert state is not None
    (there,) = engine.explorer.rewind(RewindPixels(session=state.session, step=state.step))
    assert isinstance(there, PixelsMoved)
    np.testing.assert_array_equal(there.image.numpy(), state.image)

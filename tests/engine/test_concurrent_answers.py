"""Answers within a step of training: at once, with the weights of the last one, and without a trace in the training."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gmstudio.engine import turns as turns_module
from gmstudio.engine.concurrent_answers import ConcurrentAnswers
from gmstudio.engine.latents import handlers as latents
from gmstudio.engine.latents.codes import decode
from gmstudio.engine.pixels import handlers as pixels
from gmstudio.engine.runtime import step_copy
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.step_copy import EXPLORED_S, StepCopy
from gmstudio.engine.runtime.threads import compute_alone, computing_threads
from gmstudio.engine.server import Server
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.step import TrainStep
from gmstudio.engine.wire import Wire
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import Cancel, Ping
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.protocol.pixels import AdvancePixels, OpenPixels, PixelsMoved, PixelsOpened
from gmstudio.protocol.run_spec import RunSpec

CPU = torch.device("cpu")
STEPS = 4
TIMEOUT_S = 20.0
CONFIGS: dict[str, dict[str, Any]] = {
    "vae": {},
    "ddpm": {"num_channels": 4, "num_timesteps": 20},
    "pixelcnn": {"num_channels": 4, "num_blocks": 1},
}
assert latents and pixels, "imported so that their commands are served"


class Answered:
    """A training in a server, within whose steps commands come.

    Args:
        path: of the run.
        family: that is trained.
        answers: thread of the answers.
    """

    def __init__(self, path: Path, family: str, answers: ConcurrentAnswers) -> None:
        self.sent: SimpleQueue[Event] = SimpleQueue()
        self.answers = answers
        self.server = Server(cast(Wire, SimpleNamespace(send=self.sent.put)), answers)
        rarely = {"validate_every": 1000, "sample_every": 1000, "checkpoint_every": 1000}
        spec = RunSpec(
            family=family,
            config=CONFIGS[family],
            data="digits",
            data_config={"levels": 2},
            training={"steps": STEPS, "batch_size": 8, "seed": 3, **rarely},
        )
        plan = plan_run(DatasetCache(), spec, CPU)
        self.job: TrainingJob = start_training(plan, str(path), CPU, lambda _event: None)
        self.server.context.training = self.job

    def train(self) -> dict[str, NDArray[Any]]:
        """Train to the end; the weights."""
        while not self.job.over:
            self.server._advance()
        return {name: value.numpy().copy() for name, value in self.job.model.state_dict().items()}

    def ask(self, command: Command, kind: type[Event] = Decoded) -> Event:
        """The reply to a command that is offered."""
        assert self.answers.offer(command, first=True)
        return self.next(kind)

    def next(self, kind: type[Event]) -> Any:
        """The next event of a kind."""
        while True:
            event = self.sent.get(timeout=TIMEOUT_S)
            if isinstance(event, kind):
                return event


@pytest.fixture(scope="module")
def answers() -> ConcurrentAnswers:
    return ConcurrentAnswers()


@pytest.fixture
def long_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step takes long, and no copy does."""
    monkeypatch.setattr(turns_module, "SHORT_PIECE_S", -1.0)
    monkeypatch.setattr(step_copy, "COPY_SHARE", float("inf"))


def within_steps(monkeypatch: pytest.MonkeyPatch, before: Callable[[], Any], after: Callable[[], Any]) -> None:
    """Have functions called when a step begins, and when it has changed the weights and has not ended."""
    run = TrainStep.run

    def run_between(self: TrainStep, given: Any) -> Any:
        before()
        outcomes = run(self, given)
        after()
        return outcomes

    monkeypatch.setattr(TrainStep, "run", run_between)


@pytest.mark.usefixtures("long_steps")
@pytest.mark.parametrize("family", ["vae", "ddpm"])
def test_a_code_is_decoded_within_a_step_with_the_weights_of_the_last_and_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: ConcurrentAnswers, family: str
) -> None:
    plain = Answered(tmp_path / "plain", family, answers).train()
    random = torch.get_rng_state()
    scene = Answered(tmp_path / "explored", family, answers)
    code = np.random.default_rng(0).normal(size=(1, scene.job.model.latent.num_dims)).astype(np.float32)
    command = Decode(run=scene.job.name, codes=Array.of(code), moving=True)
    scene.server._handle(command)  # before the first step: from now on copies are made
    scene.next(Decoded)
    expected: list[Decoded] = []
    decoded: list[Decoded] = []

    def begin() -> None:
        steps = {"ddpm": 4, "vae": 0}[family]
        model = cast(Any, scene.job.model)
        view = model.with_decode_steps(steps) if steps else model
        monkeypatch.setattr("gmstudio.engine.latents.moving._Cost.known", 0.0)  # as many steps each time
        expected.append(decode(view, scene.job.step, command))
        assert answers.offer(command, first=True)

    def end() -> None:
        decoded.append(scene.next(Decoded))
        decoded.append(cast(Decoded, scene.ask(command)))

    within_steps(monkeypatch, begin, end)
    explored = scene.train()
    assert [event.step for event in decoded] == [step for step in range(STEPS) for _ in range(2)]
    for index, event in enumerate(decoded):
        assert np.array_equal(event.images.numpy(), expected[index // 2].images.numpy())
    assert all(np.array_equal(plain[name], explored[name]) for name in plain)
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.usefixtures("long_steps")
def test_a_generation_plays_on_within_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: ConcurrentAnswers
) -> None:
    scene = Answered(tmp_path / "run", "pixelcnn", answers)
    scene.server._handle(OpenPixels(run=scene.job.name))
    session = scene.next(PixelsOpened).session
    scene.next(PixelsMoved)
    moved: list[Any] = []
    advance = AdvancePixels(session=session, count=3)
    within_steps(monkeypatch, lambda: moved.append(scene.ask(advance, PixelsMoved)), lambda: None)
    scene.train()
    assert [event.step for event in moved] == [3 * step for step in range(1, STEPS + 1)]


@pytest.mark.usefixtures("long_steps")
def test_what_needs_another_model_waits_for_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: ConcurrentAnswers
) -> None:
    Answered(tmp_path / "other", "vae", answers).train()
    scene = Answered(tmp_path / "run", "vae", answers)
    code = np.zeros((1, cast(Any, scene.job.model).latent.num_dims), np.float32)
    command = Decode(run=str(tmp_path / "other"), codes=Array.of(code))
    loaded = False
    within_steps(
        monkeypatch, lambda: loaded or answers.offer(command, first=True), lambda: loaded and scene.ask(command)
    )
    while not scene.server._left:
        scene.server._advance()
    left = scene.server._next_command()
    assert left == command
    scene.server._handle(command)
    assert scene.next(Decoded).step == STEPS
    loaded = True
    scene.train()  # with an answer within each step


# ---- the thread ------------------------------------------------------------------------------------------------------


def moving(request: int) -> Decode:
    return Decode(run="a", codes=Array.of(np.zeros((1, 1), np.float32)), moving=True, request=request)


def until(condition: Callable[[], bool]) -> None:
    """Wait until another thread has made a condition true."""
    for _ in range(round(TIMEOUT_S / 0.001)):
        if condition():
            return
        threading.Event().wait(0.001)
    raise TimeoutError


def accept(command: Command) -> bool:
    return isinstance(command, Cancel | Decode)


def test_outside_a_step_and_for_other_commands_the_loop_answers(answers: ConcurrentAnswers) -> None:
    assert not answers.offer(Cancel(target=1), first=True)
    with answers.during_step(accept, lambda _command: True):
        assert not answers.offer(Ping(), first=True)
        assert not answers.offer(Cancel(target=1), first=False), "after an earlier one that waits"
        assert answers.offer(moving(1), first=False), "what is dragged overtakes"
    assert not answers.offer(moving(2), first=True)


def test_commands_come_in_their_order_those_of_a_drag_first(answers: ConcurrentAnswers) -> None:
    order: list[int] = []
    begun, may_go_on = threading.Event(), threading.Event()

    def answer(command: Command) -> bool:
        begun.set()
        assert may_go_on.wait(TIMEOUT_S)
        order.append(command.request)
        return True

    commands = [Cancel(target=1, request=1), Cancel(target=1, request=2), moving(3)]
    with answers.during_step(accept, answer) as left:
        for command in commands:
            assert answers.offer(command, first=True)
            assert begun.wait(TIMEOUT_S)
        may_go_on.set()
        until(lambda: len(order) == 3)
    assert order == [1, 3, 2] and not left


def test_the_end_of_a_step_waits_for_the_answer_in_hand_and_takes_the_rest_back(answers: ConcurrentAnswers) -> None:
    begun, may_go_on = threading.Event(), threading.Event()
    done: list[int] = []

    def answer(command: Command) -> bool:
        begun.set()
        assert may_go_on.wait(TIMEOUT_S)
        done.append(command.request)
        return True

    commands = [Cancel(target=1, request=number) for number in range(3)]
    with answers.during_step(accept, answer) as left:
        for command in commands:
            answers.offer(command, first=True)
        assert begun.wait(TIMEOUT_S)
        threading.Timer(0.01, may_go_on.set).start()
    assert done == [0] and left == commands[1:]


def test_after_one_that_has_to_wait_the_others_wait(answers: ConcurrentAnswers) -> None:
    first, second = Cancel(target=1, request=1), Cancel(target=1, request=2)
    with answers.during_step(accept, lambda _command: False) as left:
        assert answers.offer(first, first=True)
        until(lambda: bool(left))
        assert not answers.offer(second, first=True)
    assert left == [first]


def test_one_thread_computes_alone_and_the_others_as_before() -> None:
    counts: dict[str, int] = {}

    def note(name: str) -> None:
        counts[name] = torch.get_num_threads()

    def alone() -> None:
        compute_alone()
        with computing_threads(1):
            note("alone")
        later = threading.Thread(target=note, args=("later",))
        later.start()
        later.join()

    with computing_threads(3):
        thread = threading.Thread(target=alone)
        thread.start()
        thread.join()
        note("loop")
    assert counts == {"alone": 1, "later": 3, "loop": 3}


# ---- the copy --------------------------------------------------------------------------------------------------------


@pytest.fixture
def live() -> Iterator[Any]:
    model = torch.nn.Linear(2, 2)
    model.config = 0  # type: ignore[assignment]
    return SimpleNamespace(model=model, step=1, record=None)


def test_a_model_is_copied_while_it_is_explored_and_only_as_often_as_there_is_time(live: Any) -> None:
    now = 100.0

    def clock() -> float:
        nonlocal now
        now += 0.01
        return now

    copies = StepCopy(clock)
    assert copies.of(live) is None, "nobody explores it"
    copies.note_explored()
    first = copies.of(live)
    assert first is not None and first.model is not live.model and first.step == 1
    live.step = 2
    assert copies.of(live) is first, "copies take a share of the time"
    now += 0.02 / step_copy.COPY_SHARE
    second = copies.of(live)
    assert second is not None and second.step == 2 and copies.of(live) is second
    now += EXPLORED_S
    assert copies.of(live) is None


def test_without_memory_for_a_copy_training_goes_on(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_model: Any) -> Any:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes.")

    monkeypatch.setattr(step_copy.copy, "deepcopy", fail)
    copies = StepCopy()
    copies.note_explored()
    assert copies.of(live) is None


def test_a_command_that_is_left_at_the_end_of_a_step_comes_before_those_that_waited_for_it() -> None:
    answers, begun, may_end = ConcurrentAnswers(), threading.Event(), threading.Event()

    def leave(_command: Command) -> bool:
        begun.set()
        assert may_end.wait(TIMEOUT_S)
        return False

    commands = [Decode(request=number, run="r", codes=Array.of(np.zeros((1, 2), np.float32))) for number in (1, 2, 3)]
    with answers.during_step(lambda _command: True, leave) as left:
        for command in commands:
            assert answers.offer(command, first=True)
            assert begun.wait(TIMEOUT_S)
        threading.Timer(0.05, may_end.set).start()  # the step ends while the first is in hand
    assert [command.request for command in left] == [1, 2, 3]

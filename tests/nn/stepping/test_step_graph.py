"""Repeated programs of a sampling step: rehearsed, captured once, replayed; and left as they are where that fails."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import pytest
import torch

from gmstudio.families import FAMILIES
from gmstudio.nn.cuda_graph import CaptureError, recorder_for
from gmstudio.nn.stepping.graphs import FEW_CALLS, StepGraphs
from gmstudio.nn.stepping.ops import NumpyOps, Program, TorchOps
from gmstudio.protocol.images import ImageSpec

T = TypeVar("T")
CPU = torch.device("cpu")
SMALL: dict[str, dict[str, Any]] = {
    "pixelcnn": {"num_channels": 3, "num_blocks": 2},
    "gated_pixelcnn": {"num_channels": 6, "num_layers": 2},
    "pixelrnn_row": {"num_channels": 3, "num_layers": 2},
    "pixelrnn_diagonal": {"num_channels": 3, "num_layers": 2},
}


class FakeRecorder:
    """Counts, and replays by doing the work again."""

    def __init__(self, failure: str = "") -> None:
        self.failure = failure
        self.rehearsals = self.recordings = self.replays = 0

    def rehearse(self, work: Callable[[], T]) -> T:
        self.rehearsals += 1
        return work()

    def watch(self, work: Callable[[], T]) -> tuple[T, bool]:
        return self.rehearse(work), False

    def record(self, work: Callable[[], None]) -> Callable[[], object]:
        self.recordings += 1
        if self.failure:
            raise CaptureError(self.failure)

        def replay() -> None:
            self.replays += 1
            work()

        return replay


def program(log: list[int], calls: int = FEW_CALLS) -> Program:
    return [partial(log.append, number) for number in range(calls)]


def run(calls: Program) -> None:
    for call in calls:
        call()


def test_a_program_is_rehearsed_then_captured_once_then_replayed() -> None:
    recorder, log = FakeRecorder(), list[int]()
    (repeated,) = StepGraphs(recorder).repeated(program(log))
    for count in range(1, 5):
        repeated()
        assert log == list(range(FEW_CALLS)) * count
    assert (recorder.rehearsals, recorder.recordings, recorder.replays) == (1, 1, 3)


def test_a_short_program_is_not_worth_a_graph() -> None:
    recorder, short = FakeRecorder(), program([], FEW_CALLS - 1)
    assert StepGraphs(recorder).repeated(short) is short


def test_where_one_cannot_be_captured_all_run_as_they_are() -> None:
    recorder, first, second = FakeRecorder("a fault in the launch"), list[int](), list[int]()
    graphs = StepGraphs(recorder)
    one, other = graphs.repeated(program(first)), graphs.repeated(program(second))
    run(one)
    with pytest.warns(RuntimeWarning, match="without CUDA graphs: a fault in the launch"):
        run(one)
    for _ in range(3):
        run(other)
    run(one)
    assert first == second == list(range(FEW_CALLS)) * 3
    assert (recorder.recordings, recorder.replays) == (1, 0)
    assert graphs.failure == "a fault in the launch"


def test_the_cpu_is_spared_the_detour() -> None:
    assert recorder_for(CPU) is None
    for ops in (NumpyOps(2), TorchOps(2, CPU)):
        log: list[int] = []
        columns = ops.by_column(1, lambda _column, called=log: program(called))
        columns.run(0)
        columns.run(0)
        assert log == [*range(FEW_CALLS)] * 2


@pytest.mark.parametrize("family", SMALL)
def test_a_sampler_captures_what_it_repeats_and_samples_the_same(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    kind = FAMILIES[family]
    model: Any = kind(kind.Config(**SMALL[family]), ImageSpec(3, 4, 3, 4))
    plain = model.sample(2, generator=torch.Generator().manual_seed(1))
    recorder = FakeRecorder()
    monkeypatch.setattr("gmstudio.nn.stepping.ops.recorder_for", lambda device: recorder)
    monkeypatch.setattr("gmstudio.families.autoregressive.raster.step_ops", TorchOps)
    session = model.pixel_session(2, generator=torch.Generator().manual_seed(1))
    session.finish()
    assert torch.equal(session.images, plain)
    columns_and_colours, rows = 3 * 3, 4
    assert recorder.rehearsals >= columns_and_colours
    assert recorder.recordings == recorder.rehearsals, "each program is captured once"
    assert recorder.replays >= columns_and_colours * (rows - 1)
    session.rewind(5)
    session.finish()
    assert torch.equal(session.images, plain)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("family", SMALL)
def test_graphs_give_the_conditionals_of_a_full_pass(family: str) -> None:
    torch.manual_seed(0)
    kind = FAMILIES[family]
    model: Any = kind(kind.Config(**SMALL[family]), ImageSpec(3, 4, 3, 4)).cuda()
    fast = model.pixel_session(3, generator=torch.Generator("cuda").manual_seed(1))
    plain = model.plain_pixel_session(3, generator=torch.Generator("cuda").manual_seed(1))
    while fast.position is not None:
        torch.testing.assert_close(fast.conditional(), plain.conditional(), rtol=1e-4, atol=1e-5)
        values = fast.draw()
        fast.place(values)
        plain.place(values)
    assert not fast._stepper._ops._graphs.failure


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_replay_draws_on_from_where_the_generator_is_and_a_failure_leaves_it_usable() -> None:
    device = torch.device("cuda", 0)
    generator = torch.Generator(device).manual_seed(3)
    expected = [torch.rand(5, device=device, generator=generator) for _ in range(4)]
    generator.manual_seed(3)
    recorder = recorder_for(device, (generator,))
    assert recorder is not None
    out = torch.zeros(5, device=device)

    def draw() -> None:
        out.copy_(torch.rand(5, device=device, generator=generator))

    recorder.rehearse(draw)
    found = [out.clone()]
    replay = recorder.record(draw)
    for _ in range(2):
        replay()
        found.append(out.clone())
    with pytest.raises(CaptureError):
        recorder_for(device, (generator,)).record(lambda: out.sum().item())  # type: ignore[union-attr, arg-type]
    found.append(torch.rand(5, device=device, generator=generator))
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    _, waited = recorder.watch(lambda: out.sum().item())
    assert waited and torch.rand(1, device=device).isfinite().all()

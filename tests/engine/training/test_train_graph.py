"""Updates replayed from graphs: what is captured and when, what is recorded, and when training goes on without."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch

from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.graphed_step import REHEARSALS, GraphedStep
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.engine.training.step import TrainStep
from gmstudio.families.variational.vae import VAE
from gmstudio.nn.cuda_graph import CaptureError
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder

T = TypeVar("T")
CPU = torch.device("cpu")
SMALL: dict[str, dict[str, Any]] = {
    "vae": {"kl_warmup": 5, "architecture": "mlp", "num_hidden": 16},
    "gan": {},
    "fvbn": {},
    "pixelcnn": {"num_channels": 4, "num_blocks": 1},
    "made": {"num_hidden": 20, "num_masks": 3},
}
QUICK = {
    "steps": 7,
    "batch_size": 16,
    "validate_every": 100,
    "sample_every": 100,
    "checkpoint_every": 100,
    "num_samples": 1,
    "validation_images": 10,
}


class FakeRecorder:
    """Counts, and replays by doing the work again."""

    def __init__(self, *, waits: bool = False, failure: str = "", trace: bool = False) -> None:
        self.waits, self.failure, self.trace = waits, failure, trace
        self.rehearsals = self.replays = self.recordings = 0

    def rehearse(self, work: Callable[[], T]) -> T:
        self.rehearsals += 1
        return work()

    def watch(self, work: Callable[[], T]) -> tuple[T, bool]:
        return self.rehearse(work), self.waits

    def record(self, work: Callable[[], None]) -> Callable[[], object]:
        self.recordings += 1
        if self.trace:
            work()
        if self.failure:
            raise CaptureError(self.failure)

        def replay() -> None:
            self.replays += 1
            work()

        return replay


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeRecorder], FakeRecorder]:
    """Captures with this recorder from now on."""

    def use(recorder: FakeRecorder) -> FakeRecorder:
        monkeypatch.setattr("gmstudio.engine.training.graphed_step.recorder_for", lambda device, generators: recorder)
        return recorder

    return use


def start(
    path: Path, family: str = "fvbn", device: torch.device = CPU, config: dict[str, Any] | None = None, **training: Any
) -> TrainingJob:
    config = SMALL[family] if config is None else config
    settings = {**QUICK, **training}
    spec = RunSpec(family=family, config=config, data="digits", data_config={"levels": 2}, training=settings)
    return start_training(plan_run(DatasetCache(), spec, device), str(path), device, lambda event: None)


def finish(job: TrainingJob) -> None:
    while job.running:
        job.advance()
    assert job.over


def curves(path: Path) -> dict[str, tuple[list[int], list[float]]]:
    with RunFolder.open(path) as run:
        return {
            name: (steps.tolist(), values.tolist())
            for (split, name), (steps, values) in run.history.read_scalars().items()
            if split == "train" and name != "images_per_s"
        }


def assert_alike(path: Path, other: Path, tolerance: float = 1e-5) -> None:
    """The curves of both runs, but for rounding: a graph reads the learning rate in 32 bits."""
    found, expected = curves(path), curves(other)
    assert found.keys() == expected.keys()
    for name, (steps, values) in expected.items():
        assert found[name][0] == steps, name
        assert found[name][1] == pytest.approx(values, rel=tolerance, abs=tolerance), name


def diary(path: Path) -> list[str]:
    with RunFolder.open(path) as run:
        return [event.text for event in run.history.read_events() if event.kind == "updates"]


Use = Callable[[FakeRecorder], FakeRecorder]


@pytest.mark.parametrize("family", ["vae", "gan"])
def test_what_is_replayed_is_recorded_as_plain_training_would(tmp_path: Path, use: Use, family: str) -> None:
    finish(start(tmp_path / "plain", family, cuda_graphs="off"))
    recorder = use(FakeRecorder())
    finish(start(tmp_path / "graphed", family))
    assert (recorder.rehearsals, recorder.recordings, recorder.replays) == (REHEARSALS, 1, 7 - REHEARSALS)
    assert_alike(tmp_path / "graphed", tmp_path / "plain")
    (sentence,) = diary(tmp_path / "graphed")
    assert "replayed from a CUDA graph" in sentence
    assert diary(tmp_path / "plain") == []


@pytest.mark.parametrize("training", [{"cuda_graphs": "off"}, {}])
def test_the_plain_path_is_taken_where_requested_and_on_the_cpu(tmp_path: Path, training: dict[str, Any]) -> None:
    job = start(tmp_path / "run", **training)
    assert isinstance(job.trainer._optimization._updates, TrainStep)
    job.stop()


def test_the_learning_rate_of_each_step_reaches_the_replay(tmp_path: Path, use: Use) -> None:
    settings: dict[str, Any] = {"schedule": "cosine", "warmup": 4, "grad_clip": 0.5}
    finish(start(tmp_path / "plain", cuda_graphs="off", **settings))
    use(FakeRecorder())
    finish(start(tmp_path / "graphed", **settings))
    assert_alike(tmp_path / "graphed", tmp_path / "plain")
    rates = curves(tmp_path / "graphed")["learning_rate"]
    assert rates == curves(tmp_path / "plain")["learning_rate"]


def test_phases_chosen_later_have_a_graph_of_their_own(tmp_path: Path, use: Use) -> None:
    recorder = use(FakeRecorder())
    job = start(tmp_path / "run", "gan", steps=100)
    for phases in [(), ("discriminator",), (), ("discriminator",)]:
        job.make_steps(REHEARSALS + 2, phases)
        while job.running:
            job.advance()
    assert recorder.recordings == 2 and recorder.rehearsals == 2 * REHEARSALS
    assert job.trainer.step == 4 * (REHEARSALS + 2)
    job.stop()
    assert [text.split(" are ")[0] for text in diary(tmp_path / "run")] == [
        "Updates of discriminator and generator",
        "Updates of discriminator",
    ]


def test_a_phase_with_more_updates_has_a_graph_for_those_it_makes_alone(tmp_path: Path, use: Use) -> None:
    recorder = use(FakeRecorder())
    config = {"discriminator_steps": 3}
    finish(start(tmp_path / "graphed", "gan", config=config, steps=4))
    assert recorder.recordings == 2
    assert recorder.rehearsals + recorder.replays == 3 * 4
    finish(start(tmp_path / "plain", "gan", config=config, steps=4, cuda_graphs="off"))
    assert_alike(tmp_path / "graphed", tmp_path / "plain")


@pytest.mark.parametrize(
    ("recorder", "reason"),
    [
        (FakeRecorder(waits=True), "the update waits for the device"),
        (FakeRecorder(failure="operation not permitted"), "operation not permitted"),
    ],
)
def test_without_graphs_training_continues_and_logs_the_reason(
    tmp_path: Path, use: Use, recorder: FakeRecorder, reason: str
) -> None:
    use(recorder)
    finish(start(tmp_path / "run"))
    finish(start(tmp_path / "plain", cuda_graphs="off"))
    assert recorder.replays == 0 and recorder.recordings <= 1
    assert_alike(tmp_path / "run", tmp_path / "plain")
    assert diary(tmp_path / "run") == [f"Trains without CUDA graphs: {reason}."]


def test_soap_is_not_captured_and_the_log_says_why(tmp_path: Path, use: Use) -> None:
    recorder = use(FakeRecorder())
    start(tmp_path / "run", "pixelcnn", config={"num_channels": 8, "num_blocks": 1}, optimizer="soap").stop()
    assert recorder.rehearsals == 0
    assert diary(tmp_path / "run") == ["Trains without CUDA graphs: SOAP decomposes matrices every 10 updates."]


def test_the_average_follows_what_is_replayed(tmp_path: Path, use: Use) -> None:
    finish(start(tmp_path / "plain", cuda_graphs="off", average=0.5, validate_every=7))
    recorder = use(FakeRecorder())
    finish(start(tmp_path / "graphed", average=0.5, validate_every=7))
    assert recorder.replays == 7 - REHEARSALS
    assert_alike(tmp_path / "graphed", tmp_path / "plain")


def test_a_family_that_replaces_its_buffers_is_not_replayed(
    tmp_path: Path, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = VAE._kl_weight

    def replacing(self: VAE) -> Any:
        weight = real(self)
        self.kl_steps = self.kl_steps.clone()
        return weight

    monkeypatch.setattr(VAE, "_kl_weight", replacing)
    recorder = use(FakeRecorder(trace=True))
    job = start(tmp_path / "run", "vae")
    while job.trainer.step < REHEARSALS:
        job.advance()
    finish(job)
    assert (recorder.recordings, recorder.replays) == (1, 0)
    (sentence,) = diary(tmp_path / "run")
    assert "replaces the tensor of kl_steps" in sentence


def test_a_resumed_run_continues_with_the_optimizers_state_and_its_rate(tmp_path: Path, use: Use) -> None:
    use(FakeRecorder())
    settings: dict[str, Any] = {"schedule": "cosine"}
    finish(start(tmp_path / "whole", **settings))
    job = start(tmp_path / "parts", **settings)
    while job.trainer.step < 5:
        job.advance()
    job.stop()
    resumed = resume_run(str(tmp_path / "parts"), Continuation(), DatasetCache(), CPU, lambda event: None)
    assert isinstance(resumed.trainer._optimization._updates, GraphedStep)
    finish(resumed)
    assert_alike(tmp_path / "parts", tmp_path / "whole")


needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.cuda
@needs_cuda
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("family", SMALL)
def test_on_a_gpu_replays_agree_with_plain_training(tmp_path: Path, family: str, precision: str) -> None:
    device = torch.device("cuda:0")
    settings: dict[str, Any] = {"precision": precision, "schedule": "cosine", "grad_clip": 1.0}
    for name, graphs in (("plain", "off"), ("graphed", "auto")):
        finish(start(tmp_path / name, family, device, cuda_graphs=graphs, **settings))
    assert_alike(tmp_path / "graphed", tmp_path / "plain", 1e-3 if precision == "fp32" else 3e-2)
    (sentence,) = diary(tmp_path / "graphed")
    print(f"{family}, {precision}: {sentence}")
    assert "replayed from a CUDA graph" in sentence or "waits for the device" in sentence


@pytest.mark.cuda
@needs_cuda
def test_on_a_gpu_a_model_of_many_small_steps_trains_faster_from_a_graph(tmp_path: Path) -> None:
    device, rates = torch.device("cuda:0"), {}
    for graphs in ("off", "auto"):
        job = start(tmp_path / graphs, "pixelcnn", device, steps=400, cuda_graphs=graphs, config={"num_blocks": 10})
        while job.trainer.step < 50:
            job.advance()
        torch.cuda.synchronize()
        began = time.perf_counter()
        while job.trainer.step < 350:
            job.advance()
        torch.cuda.synchronize()
        rates[graphs] = 300 * job.trainer.training.batch_size / (time.perf_counter() - began)
        job.stop()
    print(f"images/s: {rates}")
    assert rates["auto"] > 1.2 * rates["off"]

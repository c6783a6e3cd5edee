"""SOAP, the average of the weights and the lasso penalty: settings of a run, which continues bit for bit with them."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor

from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.averaging import TRAINED, AveragedModel
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.optimizers import OTHER_OPTIMIZER, PhaseOptimizer
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.families.base import Phase
from gmstudio.nn.soap import is_inner_matrix
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.folder import RunFolder

CPU = torch.device("cpu")
FAMILIES: dict[str, dict[str, Any]] = {
    "pixelcnn": {"num_channels": 8, "num_blocks": 1},
    "gan": {"num_hidden": 16, "num_latent": 8, "spectral_norm": True},  # whose buffers both models share
}
QUICK = {"steps": 14, "batch_size": 8, "validation_images": 8, "num_samples": 1, "seed": 3, "schedule": "cosine"}
RARELY = {"validate_every": 100, "sample_every": 100, "checkpoint_every": 7}
SETTINGS: dict[str, Any] = {
    "optimizer": "soap",
    "soap_rate": 2e-3,
    "average": 0.9,
    "penalty": 1e-3,
    "weight_decay": 0.1,
}


def start(path: Path, family: str, config: Mapping[str, Any] | None = None, **training: Any) -> TrainingJob:
    config = FAMILIES[family] if config is None else config
    settings = {**QUICK, **RARELY, **training}
    spec = RunSpec(family=family, config=dict(config), data="digits", data_config={"levels": 2}, training=settings)
    return start_training(plan_run(DatasetCache(), spec, CPU), str(path), CPU, lambda _: None)


def advance(job: TrainingJob, step: int = 10**9) -> TrainingJob:
    while job.running and job.step < step:
        job.advance()
    return job


def curves(path: Path) -> dict[tuple[str, str], list[float]]:
    with RunFolder.open(path) as run:
        found = run.history.read_scalars().items()
    return {key: values.tolist() for key, (_, values) in found if key[1] != "images_per_s"}


def tensors(path: Path) -> Mapping[str, Mapping[str, Any]]:
    with RunFolder.open(path) as run:
        return run.checkpoints.load().tensors


@pytest.mark.parametrize("family", FAMILIES)
def test_a_run_with_soap_and_an_average_continues_bit_for_bit(tmp_path: Path, family: str) -> None:
    advance(start(tmp_path / "whole", family, **SETTINGS))
    advance(start(tmp_path / "parts", family, **SETTINGS), 8).stop()
    advance(resume_run(str(tmp_path / "parts"), Continuation(), DatasetCache(), CPU, lambda _: None))
    assert curves(tmp_path / "parts") == curves(tmp_path / "whole")
    expected, found = tensors(tmp_path / "whole"), tensors(tmp_path / "parts")
    assert any("soap_left" in name for name in expected["optimizer"])
    for group in ("model", TRAINED, "optimizer"):
        assert expected[group].keys() == found[group].keys()
        assert all((value == found[group][name]).all() for name, value in expected[group].items()), group


def test_the_model_has_the_average_that_is_validated_and_saved(tmp_path: Path) -> None:
    plain, job = (
        start(tmp_path / "plain", "pixelcnn", steps=4),
        start(tmp_path / "run", "pixelcnn", steps=4, average=0.5, validate_every=4),
    )
    average = [p.detach().clone() for p in plain.model.parameters()]
    for step in range(1, 5):
        advance(plain, step)
        keep = min(0.5, (1 + step) / (10 + step))
        average = [keep * a + (1 - keep) * p.detach() for a, p in zip(average, plain.model.parameters(), strict=True)]
    advance(plain)
    advance(job)
    assert curves(tmp_path / "run")["train", "loss"] == curves(tmp_path / "plain")["train", "loss"]
    images = torch.cat(job.trainer._evaluations._validation.batches)
    model: Any = job.model.eval()
    assert curves(tmp_path / "run")["valid", "loss"] == pytest.approx([-float(model.log_prob(images).detach().mean())])
    for (name, found), expected in zip(job.model.named_parameters(), average, strict=True):
        torch.testing.assert_close(found.detach(), expected)
        assert torch.equal(torch.from_numpy(tensors(tmp_path / "run")["model"][name]), found.detach())
    for name, weight in plain.model.named_parameters():
        assert torch.equal(torch.from_numpy(tensors(tmp_path / "run")[TRAINED][name]), weight.detach())


def test_without_an_average_training_goes_on_from_the_weights(tmp_path: Path) -> None:
    job = advance(start(tmp_path / "run", "gan", average=0.9), 2)
    trained: Any = job.trainer._averaged.trained
    weights, buffers = [p.detach().clone() for p in trained.parameters()], list(trained.buffers())
    job.trainer.change(
        msgspec.structs.replace(job.trainer.training, average=0.0, optimizer="soap"), job.model.config, ""
    )
    assert job.trainer._averaged.trained is job.model
    assert all(map(torch.equal, job.model.parameters(), weights))
    assert all(one is other for one, other in zip(job.model.buffers(), buffers, strict=True))
    job.stop()
    with RunFolder.open(tmp_path / "run") as run:
        texts = [event.text for event in run.history.read_events() if event.kind == "updates"]
    assert texts == [OTHER_OPTIMIZER.format(sum(map(is_inner_matrix, job.model.parameters())))]


def test_weights_alone_are_trained_on_from_their_average(tmp_path: Path) -> None:
    job = start(tmp_path / "run", "pixelcnn")
    job.abandon()
    model = job.model
    averaged = AveragedModel(model, 0.9)
    for parameter in model.parameters():
        parameter.data.fill_(2.0)
    averaged.restore({})
    assert all(bool(weight.eq(2.0).all()) for weight in averaged.trained.parameters())
    arrays = averaged.trained_arrays()
    averaged.restore({name: array + 1.0 for name, array in arrays.items()})
    assert all(bool(weight.eq(3.0).all()) for weight in averaged.trained.parameters())
    assert all(bool(weight.eq(2.0).all()) for weight in model.parameters())
    first = next(iter(arrays))
    with pytest.raises(ValueError, match=f"are not those of this model: {first}"):
        averaged.restore({**arrays, first: arrays[first][:1]})


def test_a_family_that_averages_itself_refuses_a_second_average(tmp_path: Path) -> None:
    for family, config in (("ddpm", {}), ("gan", {"ema": 0.9})):
        with pytest.raises(ConfigError, match=r"Average of weights is 0\.9, but .* averages its network itself"):
            start(tmp_path / family, family, config, average=0.9)


def parameters() -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((8, 12), (12,), (16, 8, 1, 1))]


def steps(optimizer: PhaseOptimizer, seed: int) -> Iterator[list[Tensor]]:
    """Yield the weights after each of some updates."""
    generator = torch.Generator().manual_seed(seed)
    for step in range(12):
        for parameter in optimizer.phase.parameters:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.update(step, want_norm=False)
        yield [p.detach().clone() for p in optimizer.phase.parameters]


def optimizer_of(**training: Any) -> PhaseOptimizer:
    return PhaseOptimizer(Phase("model", parameters(), lambda *_: {}), Training(learning_rate=0.01, **training))


def test_soap_has_its_rate_and_its_matrices_and_adam_the_rest() -> None:
    weights = {
        name: list(itertools.islice(steps(optimizer_of(**settings), 1), 2))
        for name, settings in (
            ("adam", {}),
            ("soap", {"optimizer": "soap"}),
            ("slow", {"optimizer": "soap", "soap_rate": 0.001}),
            ("decayed", {"optimizer": "soap", "weight_decay": 0.5}),
        )
    }
    for index, by_soap in enumerate((True, False, True)):
        begun = {name: first[index] for name, (first, _) in weights.items()}  # SOAP's first update finds its bases
        moved = {name: second[index] - first[index] for name, (first, second) in weights.items()}
        assert torch.equal(moved["adam"], moved["soap"]) is not by_soap
        torch.testing.assert_close(moved["slow"], (0.1 if by_soap else 1.0) * moved["soap"])
        torch.testing.assert_close(moved["decayed"], moved["soap"] - 0.01 * 0.5 * begun["decayed"])


class _Second:
    """Ranks of which this process is the second; the first has ones as weights."""

    rank = 1

    def copy_first(self, values: list[Tensor]) -> None:
        for value in values:
            value.fill_(1.0)


def test_other_ranks_have_the_matrices_of_the_first() -> None:
    ranks: Any = _Second()
    optimizer = PhaseOptimizer(Phase("model", parameters(), lambda *_: {}), Training(optimizer="soap"), ranks)
    first = next(steps(optimizer, 1))
    assert [bool(weight.eq(1.0).all()) for weight in first] == [True, False, True]
    assert all(key.startswith("model/1/") for key in optimizer.state_arrays()), "rank 0 alone has SOAP's state"


@pytest.mark.parametrize("other", ["adam", "soap"])
def test_a_change_of_the_optimizer_begins_its_matrices_anew(other: str) -> None:
    before = optimizer_of(optimizer="soap")
    assert list(steps(before, 1))
    arrays = before.state_arrays()
    again = optimizer_of(optimizer=other)
    replaced = again.load_state_arrays(arrays)
    assert replaced == (2 if other == "adam" else 0)
    kept = again.state_arrays()
    assert kept.keys() == {key for key in arrays if key.startswith("model/1/")} | (
        arrays.keys() if not replaced else set()
    )
    assert all((arrays[key] == value).all() for key, value in kept.items())


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("model/0/soap_left", r"model/0/soap_left is float32 \(3,\) instead of float \(8, 8\)"),
        ("model/3/step", "model/3/step is unknown"),
        ("model/0/step", "model/0/step is unknown"),
    ],
)
def test_state_that_does_not_fit_is_refused(key: str, words: str) -> None:
    optimizer = optimizer_of(optimizer="soap")
    assert list(steps(optimizer, 1))
    arrays = {**optimizer.state_arrays(), key: torch.zeros(3).numpy()}
    with pytest.raises(ValueError, match=words):
        optimizer.load_state_arrays(arrays)


def test_the_penalty_is_the_gradient_of_the_weights_absolute_values() -> None:
    optimizer = optimizer_of(penalty=0.5)
    for parameter in optimizer.phase.parameters:
        parameter.grad = torch.zeros_like(parameter)
    optimizer.move(want_norm=False)
    matrix, vector, kernel = optimizer.phase.parameters
    assert matrix.grad is not None and torch.equal(matrix.grad, 0.5 * parameters()[0].detach().sign())
    assert kernel.grad is not None and vector.grad is not None
    assert bool((kernel.grad.abs() == 0.5).all()) and not vector.grad.any()

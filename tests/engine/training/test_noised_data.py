"""Noised data of background models, and weight decay: what they change, and that they repeat."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.batches import Batches, mutated
from gmstudio.engine.training.bench import train_steps
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.optimizers import PhaseOptimizer
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.families import FAMILIES
from gmstudio.families.base import Phase
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.folder import RunFolder

CPU = torch.device("cpu")
QUICK = {"steps": 12, "batch_size": 16, "validate_every": 6, "sample_every": 12, "checkpoint_every": 6}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def start(path: Path, family: str = "pixelcnn", **training: Any) -> TrainingJob:
    config: dict[str, dict[str, Any]] = {
        "pixelcnn": {"num_channels": 4, "num_blocks": 1},
        "markov": {"num_parents": 2, "estimator": "counting"},
    }
    spec = RunSpec(
        family=family,
        config=config[family],
        data="digits",
        data_config={"levels": 2, "binarize": "sample"},
        training={**QUICK, "num_samples": 1, "validation_images": 20, **training},
    )
    return start_training(plan_run(DatasetCache(), spec, CPU), str(path), CPU, lambda _: None)


def finish(job: TrainingJob) -> TrainingJob:
    while job.running:
        job.advance()
    return job


def weights(job: TrainingJob) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in job.trainer.model.state_dict().items()}


class TestMutation:
    def test_as_many_sub_pixels_change_as_the_formula_says(self) -> None:
        images = torch.zeros(200, 1, 20, 20, dtype=torch.uint8)
        found = mutated(images, 4, 0.3, seeded())
        counts = torch.bincount(found.flatten().long(), minlength=4) / found.numel()
        assert found.dtype == torch.uint8
        error = 4 * (0.3 / len(images.flatten())) ** 0.5
        assert counts.tolist() == pytest.approx([0.7 + 0.3 / 4, *[0.3 / 4] * 3], abs=error)

    def test_channels_change_independently(self) -> None:
        changed = mutated(torch.zeros(500, 3, 8, 8, dtype=torch.uint8), 256, 0.5, seeded()) > 0
        both = (changed[:, 0] & changed[:, 1]).float().mean()
        assert float(both) == pytest.approx(float(changed.float().mean()) ** 2, abs=0.02)

    def test_all_and_none(self) -> None:
        images = torch.full((50, 1, 8, 8), 3, dtype=torch.uint8)
        assert torch.equal(mutated(images, 4, 0.0, seeded()), images)
        assert float(mutated(images, 4, 1.0, seeded()).float().mean()) == pytest.approx(1.5, abs=0.1)

    @pytest.mark.parametrize("value", [-0.1, 1.5])
    def test_probabilities_only(self, value: float, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="Noised data μ"):
            start(tmp_path / "run", mutation=value)


class TestBatches:
    def test_only_training_images_are_noised(self) -> None:
        dataset = DatasetCache().load("digits", {"levels": 2})
        plain = Batches(dataset, 32, 1, CPU)
        noised = Batches(dataset, 32, 1, CPU, 0.2)
        share = (noised.train(0, seeded()) != plain.train(0, seeded())).float().mean()
        assert float(share) == pytest.approx(0.1, abs=0.03)
        assert all(torch.equal(a, b) for a, b in zip(noised.valid(100), plain.valid(100), strict=True))

    def test_without_noise_no_random_number_is_drawn(self) -> None:
        dataset = DatasetCache().load("digits", {"levels": 2})
        generator = seeded()
        before = generator.get_state()
        Batches(dataset, 32, 1, CPU, 0.0).train(3, generator)
        assert torch.equal(generator.get_state(), before)

    def test_a_count_of_images_counts_noised_ones_anew(self) -> None:
        """Noise is new at each visit, so that no batch repeats an earlier one."""
        dataset = DatasetCache().load("digits", {"levels": 2})
        for mutation in (0.0, 0.2):
            batches = Batches(dataset, 500, 1, CPU, mutation)
            later = batches.steps_per_epoch  # the first step of the second epoch
            images, number = batches.uncounted(later, batches.train(later, seeded()))
            assert number < 500
            assert len(images) == (500 if mutation else number)


class TestRuns:
    @pytest.mark.parametrize("family", ["pixelcnn", "markov"])
    def test_a_stopped_background_model_continues_bit_for_bit(self, tmp_path: Path, family: str) -> None:
        whole = finish(start(tmp_path / "whole", family, mutation=0.3, weight_decay=0.1))
        job = start(tmp_path / "parts", family, mutation=0.3, weight_decay=0.1)
        while job.trainer.step < 5:
            job.advance()
        job.stop()
        again = finish(resume_run(str(tmp_path / "parts"), Continuation(), DatasetCache(), CPU, lambda _: None))
        expected = weights(whole)
        assert all(torch.equal(value, expected[name]) for name, value in weights(again).items())
        np.testing.assert_array_equal(_losses(tmp_path / "parts"), _losses(tmp_path / "whole"))

    def test_noise_changes_the_training(self, tmp_path: Path) -> None:
        plain = weights(finish(start(tmp_path / "plain")))
        noised = weights(finish(start(tmp_path / "noised", mutation=0.3)))
        assert any(not torch.equal(value, noised[name]) for name, value in plain.items())

    def test_small_trainings_without_a_run_have_the_noise_too(self) -> None:
        dataset = DatasetCache().load("digits", {"levels": 2})
        found = []
        for mutation in (0.0, 0.3):
            torch.manual_seed(0)
            model = FAMILIES["fvbn"](FAMILIES["fvbn"].Config(), dataset.image)
            assert list(train_steps(model, dataset, Training(steps=2, mutation=mutation), 0)) == [1, 2]
            found.append(next(iter(model.parameters())).detach())
        assert not torch.equal(*found)


class TestWeightDecay:
    def updated(self, decay: float, rate: float = 0.1) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weights before and after an update by a gradient of one."""
        weight = torch.nn.Parameter(torch.tensor([2.0, -4.0]))
        before = weight.detach().clone()
        optimizer = PhaseOptimizer(
            Phase("model", [weight], lambda *_: {}), Training(learning_rate=rate, weight_decay=decay)
        )
        weight.grad = torch.ones(2)
        optimizer.update(0, want_norm=False)
        return before, weight.detach()

    def test_it_shrinks_weights_by_its_share_of_the_learning_rate(self) -> None:
        before, after = self.updated(0.5)
        _, without = self.updated(0.0)
        torch.testing.assert_close(after, without - 0.1 * 0.5 * before)

    def test_it_is_that_of_adamw(self) -> None:
        weight = torch.nn.Parameter(torch.tensor([2.0, -4.0]))
        reference = torch.optim.AdamW([weight], lr=0.1, weight_decay=0.5)
        weight.grad = torch.ones(2)
        reference.step()
        torch.testing.assert_close(self.updated(0.5)[1], weight.detach())


def _losses(path: Path) -> np.ndarray[Any, Any]:
    with RunFolder.open(path) as run:
        return run.history.read_scalars()["train", "loss"][1]

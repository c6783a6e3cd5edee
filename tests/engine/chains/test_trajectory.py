"""Trajectories: generation step by step, whole images at a time, and the training itself."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.catalog import build_catalog
from gmstudio.engine.chains import trajectory
from gmstudio.engine.training.diagnostics import draw_figures
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family, TrajectoryStep
from gmstudio.families.diagnostics import Figure
from gmstudio.protocol.array import Array
from gmstudio.protocol.chains import RunTrajectory, TrajectoryAppended
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.metrics import Metric
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.window.state.chains.settings import trajectory_schema

SPEC = ImageSpec(1, 2, 3, 4)
LEVEL = Metric("level")


class Drift(Family):
    """Model whose every step adds the weight to all pixels."""

    card = FAMILIES["vae"].card
    Config = FAMILIES["vae"].Config
    training_defaults = FAMILIES["vae"].training_defaults

    def __init__(self) -> None:
        super().__init__(self.Config(), SPEC)
        self.pace = nn.Parameter(torch.tensor(0.01))

    def phases(self) -> list[Any]:
        return []

    def trajectory(
        self, x: Tensor | None, n: int, steps: int, generator: torch.Generator | None = None
    ) -> Iterator[TrajectoryStep]:
        images = torch.zeros(n, *SPEC.shape) if x is None else x.float() / 3
        for step in range(steps + 1):
            yield TrajectoryStep(images, {LEVEL: images.flatten(1).mean(1)}, f"step {step}", step)
            images = images + self.pace

    def figures(self, batch: Tensor, generator: torch.Generator) -> tuple[Figure, ...]:
        assert torch.is_inference_mode_enabled()
        counts = torch.histc(batch.float(), 4, 0, 4)[None]
        return (
            Figure("histogram", "levels", "Levels", "How often each is.", ("data",), torch.arange(5.0), counts),
            Figure("images", "inputs", "Inputs", "As they are.", images=batch.float() / 3, columns=2),
        )


@pytest.fixture
def dataset() -> Dataset:
    images = np.random.default_rng(0).integers(0, 4, (10, *SPEC.shape), dtype=np.uint8)
    return Dataset("made", {}, SPEC, Split(images), Split(images), Split(images))


def run(model: Family, dataset: Dataset, **command: Any) -> list[TrajectoryAppended]:
    pieces = trajectory.generation(model, 5, dataset, RunTrajectory(request=2, run="r", **command))
    events = [event for event in pieces if event is not None]
    assert all(isinstance(event, TrajectoryAppended) for event in events)
    return events  # type: ignore[return-value]


def test_every_frame_arrives_once_in_order(dataset: Dataset) -> None:
    events = run(Drift(), dataset, count=3, steps=20)
    assert [event.done for event in events] == [False] * (len(events) - 1) + [True]
    labels = [label for event in events for label in event.labels]
    assert labels == [f"step {i}" for i in range(21)]
    assert sum((len(e.labels) for e in events[:-1]), 0) == events[-1].start
    images = np.concatenate([e.images.numpy() for e in events if e.labels])
    assert images.shape == (21, 3, *SPEC.shape) and images[-1, 0, 0, 0, 0] == round(255 * 0.2)
    level = np.concatenate([e.metrics[0].values.numpy() for e in events if e.labels])
    np.testing.assert_allclose(level[:, 1], 0.01 * np.arange(21), atol=1e-5)


def test_chains_start_from_the_requested_images(dataset: Dataset) -> None:
    model = Drift()
    from_data = run(model, dataset, count=2, steps=1, start="data", index=9)
    np.testing.assert_array_equal(from_data[0].images.numpy()[0, 0], dataset.valid.images[9] * 85)
    np.testing.assert_array_equal(from_data[0].images.numpy()[0, 1], dataset.valid.images[0] * 85)
    drawn = np.full(SPEC.shape, 2, np.uint8)
    from_image = run(model, dataset, count=2, steps=1, start="image", image=Array.of(drawn))
    assert (from_image[0].images.numpy()[0] == 170).all()


def test_it_keeps_the_weights_that_it_began_with(dataset: Dataset) -> None:
    model = Drift()
    pieces = trajectory.generation(model, 5, dataset, RunTrajectory(run="r", count=1, steps=10))
    with torch.no_grad():
        model.pace.fill_(0.5)
    events = [event for event in pieces if isinstance(event, TrajectoryAppended)]
    assert np.concatenate([e.metrics[0].values.numpy() for e in events if e.labels])[-1, 0] == pytest.approx(0.1)


def test_a_split_without_images_is_no_start(dataset: Dataset) -> None:
    nothing = Split(np.zeros((0, *SPEC.shape), np.uint8))
    with pytest.raises(ValueError, match="has no test images to start from; choose another split"):
        run(Drift(), replace(dataset, test=nothing), start="data", split="test")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ({"count": 65}, "65 chains"),
        ({"steps": 0}, "0 steps"),
        ({"count": 64, "steps": 10_000_000}, "10000000 steps"),
        ({"start": "image"}, "has none"),
        ({"start": "image", "image": Array.of(np.zeros((1, 9, 9), np.uint8))}, "shape"),
    ],
)
def test_what_cannot_be_run_is_refused_at_once(dataset: Dataset, command: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        run(Drift(), dataset, **command)


def test_a_family_without_a_trajectory_is_refused(dataset: Dataset) -> None:
    model = FAMILIES["fvbn"](FAMILIES["fvbn"].Config(), SPEC)
    with pytest.raises(ValueError, match="does not generate step by step"):
        run(model, dataset)


def test_figures_travel_as_numbers(dataset: Dataset) -> None:
    histogram, images = draw_figures(Drift(), torch.from_numpy(dataset.valid.images), 0)
    assert histogram.values is not None and histogram.values.numpy().sum() == 60
    assert histogram.edges is not None and histogram.edges.numpy().shape == (5,)
    assert images.images is not None and images.images.numpy().dtype == np.uint8 and images.columns == 2


def test_the_grids_of_a_training_are_a_trajectory(tmp_path: Path) -> None:
    from gmstudio.runs.folder import RunFolder
    from gmstudio.runs.history import ImageGrid, Scalar
    from gmstudio.runs.record import new_record

    record = new_record(RunSpec(family="vae", data="digits"), image=SPEC, device="cpu")
    with RunFolder.create(tmp_path / "run", record) as folder:
        for step in (0, 50, 100):
            folder.history.append(images=[ImageGrid(step, "means", np.full((6, *SPEC.shape), step, np.uint8))])
            folder.history.append(
                scalars=[
                    Scalar(step, "train", "loss", 9.0),
                    Scalar(step, "valid", "kl", 1.0 + step),
                    Scalar(step, "valid", "loss", 3.0 - step / 100),
                ]
            )
        command = RunTrajectory(run="r", kind="training", count=4, steps=2)
        (event,) = trajectory.training(folder, command)
        (alone,) = trajectory.training(folder, RunTrajectory(run="r", kind="training", count=1, steps=1))
        with pytest.raises(ValueError, match="0 steps; enter 1"):
            trajectory.training(folder, RunTrajectory(run="r", kind="training", steps=0))
        with pytest.raises(ValueError, match="65 chains"):
            trajectory.training(folder, RunTrajectory(run="r", kind="training", count=65))
    assert isinstance(alone, TrajectoryAppended) and alone.labels == ("step 100",)
    assert isinstance(event, TrajectoryAppended) and event.done and event.labels == ("step 0", "step 100"), (
        "the newest is there"
    )
    assert event.images.numpy().shape == (2, 4, *SPEC.shape)
    assert [found.metric.name for found in event.metrics] == ["validation loss", "validation KL"]
    np.testing.assert_allclose(event.metrics[0].values.numpy()[:, 0], [3.0, 2.0])
    np.testing.assert_allclose(event.metrics[1].values.numpy()[:, 3], [1.0, 101.0])


@pytest.mark.parametrize("name", ["rbm", "gsn"])
def test_frames_of_a_chain_show_what_the_sampler_says_and_the_form_offers_that_alone(
    dataset: Dataset, name: str
) -> None:
    family = FAMILIES[name]
    model = family(family.Config(num_hidden=8), SPEC)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    choices: list[dict[str, Any]] = [{}, {"shown": "sample"}]
    events = [run(model, dataset, count=3, steps=4, sampler=sampler) for sampler in choices]
    means, drawn = (np.concatenate([event.images.numpy() for event in some if event.labels]) for some in events)
    assert set(np.unique(drawn)) <= {0, 85, 170, 255} and not set(np.unique(means[1:])) <= {0, 85, 170, 255}
    with pytest.raises(ConfigError, match="Sampling steps has no effect on trajectories; leave it out"):
        run(model, dataset, count=3, steps=4, sampler={"steps": 3})
    (entry,) = (entry for entry in build_catalog("cpu").families if entry.card.name == name)
    assert list(trajectory_schema(entry)["properties"]) == ["shown"]

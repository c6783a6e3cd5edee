"""A bench for laboratories without an engine's loop, and the handles with which tests drive a lab."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import torch

from gmstudio.data import load
from gmstudio.data.dataset import Dataset
from gmstudio.engine.runtime.building import build_model, build_run_model, note_labels
from gmstudio.engine.training.bench import train_steps
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.labs.base import Lab, Numbers, ReadyModel
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.scenes import Curves, Scene, Sentence, Table
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.folder import RunFolder

BlockT = TypeVar("BlockT")
Result = TypeVar("Result")


class Bench:
    """A ``LabBench``: data, models and noise on the CPU.

    Args:
        seed: of all noise and of all training.
        models: family → a model that is ready, or the folder of a run whose initial weights stand for one.
        steps: largest number of training steps; 0: as the lab asks.
        every: a scene is due at every call of ``due`` of this number.
    """

    def __init__(
        self, seed: int = 0, models: Mapping[str, ReadyModel | Path] | None = None, steps: int = 0, every: int = 1
    ) -> None:
        self.seed = seed
        self.device = torch.device("cpu")
        self._models = dict(models or {})
        self._steps, self._every, self._calls = steps, every, 0

    def generator(self, offset: int = 0) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(self.seed + offset)

    def due(self) -> bool:
        self._calls += 1
        return self._calls % self._every == 0

    def ready(self, family: str) -> Generator[None, None, ReadyModel | None]:
        yield None
        found = self._models.get(family)
        if not isinstance(found, Path):
            return found
        run = RunFolder(found)
        return ReadyModel(build_run_model(run, self.device).eval(), 0, family, None)

    def data(self, source: str, config: Mapping[str, Any]) -> Generator[None, None, Dataset]:
        yield None
        return load(source, dict(config))

    def beside(self, work: Callable[[], Result]) -> Generator[None, None, Result]:
        yield None
        return work()

    def build(self, family: str, config: Mapping[str, Any], dataset: Dataset) -> Family:
        kind = FAMILIES[family]
        model = build_model(kind, parse_config(kind.Config, dict(config)), dataset.image, self.device, self.seed)
        note_labels(model, dataset.train_labels)
        return model

    def train(
        self, model: Family, dataset: Dataset, training: Training, updates: Mapping[str, int] | None = None
    ) -> Iterator[int]:
        yield from islice(train_steps(model, dataset, training, self.seed, updates), self._steps or None)


LabT = TypeVar("LabT", bound=Lab)


def opened(kind: type[LabT], config: Mapping[str, Any] | None = None, bench: Bench | None = None) -> LabT:
    """A lab, prepared.

    Args:
        kind: its class.
        config: settings that differ from the defaults.
        bench: what it works with; None: seed 0.
    """
    lab = kind(bench or Bench(), parse_config(kind.Config, dict(config or {})))
    for _ in lab.prepare():
        pass
    return lab


def configured(lab: Lab, **changes: Any) -> Scene:
    """The scene after a change of settings."""
    lab.configure(parse_config(type(lab).Config, {**msgspec.to_builtins(lab.config), **changes}))
    return lab.scene()


def edited(lab: Lab, name: str, values: Sequence[Any] | Numbers) -> str:
    """Give an input new numbers; returns the note."""
    numbers = np.asarray(values, np.float64)
    assert numbers.shape == lab.inputs[name].shape, (numbers.shape, lab.inputs[name].shape)
    return lab.edit(name, numbers)


def acted(lab: Lab, action: str) -> Scene:
    """Carry an action out to its end; returns the scene then, and checks that those on the way can be sent."""
    for scene in lab.act(action):
        if scene is not None:
            sent(scene)
    return lab.scene()


def result_of(pieces: Generator[Any, None, Result]) -> Result:
    """What a generator returns at its end."""
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            result: Result = end.value
            return result


def sent(scene: Scene) -> bytes:
    """The bytes of a scene, which decode to the same scene; its lines and tables have the sizes that they claim."""
    data = msgspec.msgpack.encode(scene)
    assert msgspec.msgpack.decode(data, type=Scene) == scene
    assert scene.rows
    for curves in blocks(scene, Curves):
        assert all(line.x.shape == line.y.shape and len(line.x.shape) == 1 for line in curves.lines), curves.title
    for table in blocks(scene, Table):
        assert table.values.shape == (len(table.rows), len(table.columns)), table.title
    return data


def blocks(scene: Scene, kind: type[BlockT]) -> list[BlockT]:
    """All blocks of a kind, from top to bottom."""
    return [block for row in scene.rows for block in row if isinstance(block, kind)]


def titled(scene: Scene, kind: type[BlockT], title: str) -> BlockT:
    """The block of a kind whose title contains these words."""
    found = [block for block in blocks(scene, kind) if title in getattr(block, "title", "")]
    assert len(found) == 1, [getattr(block, "title", "") for row in scene.rows for block in row]
    return found[0]


def line(curves: Curves, name: str) -> tuple[Numbers, Numbers]:
    """The points of the line whose name contains these words."""
    found = [candidate for candidate in curves.lines if name in candidate.name]
    assert len(found) == 1, [candidate.name for candidate in curves.lines]
    return found[0].x.numpy(), found[0].y.numpy()


def finding(scene: Scene) -> str:
    """Its results in words."""
    return " ".join(sentence.text for sentence in blocks(scene, Sentence) if sentence.finding)

"""The engine answers the commands about pixels for a run in training and one on disk."""

from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from gmstudio.engine.pixels.handlers import PixelsFeature
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.training.handlers import TrainingFeature
from gmstudio.nn.stepping.compiling import STEP_KERNEL
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.pixels import (
    AdvancePixels,
    AttributePixel,
    ComparePixels,
    EditPixel,
    OpenPixels,
    PixelAttributed,
    PixelsCompared,
    PixelsMoved,
    PixelsOpened,
)
from gmstudio.protocol.pixels_guessing import GuessPixels, PixelsGuessed
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunOpened
from gmstudio.protocol.training import StartTraining

EventT = TypeVar("EventT", bound=Event)


class Workbench:
    """The engine without its loop: a command is handled when a test says so."""

    def __init__(self) -> None:
        self.sent: list[Event] = []
        self.context = EngineContext(self.sent.append)
        self._handlers = {**TrainingFeature(self.context).handlers(), **PixelsFeature(self.context).handlers()}

    def ask(self, command: Command, kind: type[EventT]) -> EventT:
        """The first answer of a kind."""
        self.sent.clear()
        self._handlers[type(command)](command)
        return next(event for event in self.sent if isinstance(event, kind))

    def last_of_job(self, command: Command, kind: type[EventT]) -> EventT:
        """The last answer of a command that is carried out in pieces."""
        events = [event for event in self._handlers[type(command)](command) or () if event is not None]
        assert isinstance(events[-1], kind)
        return events[-1]

    def train(self, family: str, steps: int, **config: Any) -> str:
        """Make so many steps of a run that would go on; its path."""
        spec = RunSpec(family=family, config=config, data="digits", data_config={"levels": 2}, training={"steps": 1000})
        run = self.ask(StartTraining(spec=spec), RunOpened).info.run
        training = self.context.the_training()
        while training.trainer.step < steps:
            training.advance()
        return run

    def end_training(self) -> None:
        """Write a checkpoint and let the run go."""
        self.context.the_training().stop()
        self.context.training = None


def test_a_live_run_is_debugged_and_compared_with_one_on_disk(home: Path) -> None:
    engine = Workbench()
    on_disk = engine.train("fvbn", 2)
    engine.end_training()
    live = engine.train("nade", 3, num_hidden=8, order_agnostic=True)

    opened = engine.ask(OpenPixels(run=live), PixelsOpened)
    assert opened.weights_step == 3 and opened.any_order
    moved = engine.ask(AdvancePixels(session=opened.session, count=6, stop_probability=0.0), PixelsMoved)
    assert moved.entropies is not None and moved.entropies.shape == (moved.step,)
    first = tuple(opened.order.numpy()[0])
    flipped = 1 - int(moved.image.numpy()[first])
    edited = engine.ask(EditPixel(session=opened.session, step=0, value=flipped), PixelsMoved)
    assert edited.image.numpy()[first] == flipped
    attributed = engine.ask(AttributePixel(session=opened.session), PixelAttributed)
    assert attributed.kind == "gradient" and attributed.receptive_field == edited.context

    guessed = engine.last_of_job(GuessPixels(session=opened.session, step=edited.step), PixelsGuessed)
    assert guessed.done and guessed.images.numpy()[-1][first] == flipped and guessed.start == edited.step

    compared = engine.ask(ComparePixels(session=opened.session, run=on_disk), PixelsCompared)
    assert (compared.run, compared.weights_step, compared.step) == (on_disk, 2, edited.step)
    assert compared.conditional.numpy().sum() == pytest.approx(1.0, abs=1e-5)
    training = engine.context.the_training()
    while training.trainer.step < 6:
        training.advance()
    with_itself = engine.ask(ComparePixels(session=opened.session, run=live), PixelsCompared)
    assert with_itself.weights_step == 6 and with_itself.nats != edited.nats

    mask = Array.of(np.eye(8, dtype=np.bool_)[None])
    levels = Array.of(np.ones((1, 8, 8), dtype=np.uint8))
    painted = OpenPixels(
        run=live, levels=levels, num_placed=8, observed=mask, order="centre", weights_of=opened.session
    )
    assert engine.ask(painted, PixelsOpened).num_observed == 8
    with pytest.raises(ValueError, match="conditioned only on the first sub-pixels"):
        engine.ask(OpenPixels(run=on_disk, levels=levels, num_placed=8, observed=mask), PixelsOpened)
    engine.end_training()


def test_many_single_steps_are_worth_compiling(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []
    monkeypatch.setattr(STEP_KERNEL, "load_beside", lambda cache, environment: folders.append(cache))
    monkeypatch.setattr("gmstudio.engine.pixels.handlers.MANY_STEPS", 10)
    engine = Workbench()
    opened = engine.ask(OpenPixels(run=engine.train("fvbn", 1)), PixelsOpened)
    few = AdvancePixels(session=opened.session, count=6, budget_ms=100.0)
    assert engine.ask(few, PixelsMoved).step == 6 and not folders
    engine.ask(few, PixelsMoved)
    assert folders == [home / "numba"]
    engine.end_training()

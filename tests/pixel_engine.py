"""A client whose commands about pixels are answered, when a test says so, by the engine's own explorer."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from fake_client import FakeClient
from tiny_autoregressive import TinyAutoregressive

from gmstudio.engine.pixels.explorer import PixelExplorer
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data import BrowseData, DataBrowsed
from gmstudio.protocol.engine import Catalog, CommandFailed
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import (
    AdvancePixels,
    AttributePixel,
    ClosePixels,
    ComparePixels,
    ContinuePixels,
    EditPixel,
    ForgetPath,
    MeasureInfluence,
    OpenPixels,
    PlacePixel,
    RewindPixels,
)
from gmstudio.protocol.pixels_guessing import GuessPixels
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunInfo, RunsListed

RUN = "/runs/tiny"
SPEC = ImageSpec(channels=1, height=4, width=3, levels=4)


class PixelEngine(FakeClient):
    def __init__(self, spec: ImageSpec = SPEC, model: Any = None) -> None:
        super().__init__()
        self.spec = spec
        self.model = model or TinyAutoregressive(spec)
        self.weights_step = 400
        self.others: dict[str, Any] = {}
        """Models of other runs, by path, to compare with."""
        self.explorer = PixelExplorer()
        generator = np.random.default_rng(0)
        self.data = generator.integers(0, spec.levels, (20, *spec.shape)).astype(np.uint8)
        self.answered = 0

    def serve(self, most: int = 10_000) -> None:
        """Answer what was sent, and what is sent meanwhile, up to a number of commands."""
        while self.answered < len(self.sent) and most > 0:
            command = self.sent[self.answered]
            self.answered += 1
            most -= 1
            for event in self._answers(command):
                self.deliver(event)

    def list_runs(self, *runs: str, **fields: Any) -> None:
        """Deliver a library in which these runs are."""
        infos = tuple(self.info(run, **fields) for run in runs or (RUN,))
        self.deliver(RunsListed(home="/runs", runs=infos, problems=()))

    def info(self, run: str = RUN, **fields: Any) -> RunInfo:
        values: dict[str, Any] = {
            "title": "PixelCNN on digits",
            "spec": RunSpec(family="pixelcnn", data="digits", data_config={"levels": self.spec.levels}),
            "family_title": "PixelCNN",
            "image": self.spec,
            "status": "finished",
            "step": self.weights_step,
            "created": "2025-01-01T00:00:00",
            "capabilities": ("sample", "pixel_session"),
            "checkpoint_steps": (self.weights_step,),
        }
        return RunInfo(run=run, **(values | fields))

    def hello(self) -> None:
        """Deliver a new engine's hello; nothing is open in it."""
        self.explorer = PixelExplorer()
        self.answered = len(self.sent)
        self.deliver(
            Catalog(
                protocol=1, version="0", pid=1, families=(), data=(), devices=("cpu",), device="cpu", training_schema={}
            )
        )

    def _answers(self, command: Command) -> Iterator[Event]:
        try:
            yield from self._handle(command)
        except ValueError as error:
            yield CommandFailed(request=command.request, command=type(command).__name__, message=str(error))

    def _handle(self, command: Command) -> Iterator[Event]:
        if isinstance(command, OpenPixels):
            model = self.others.get(command.run, self.model)
            yield from self.explorer.open(model, command.run, self.weights_step, command)
        elif isinstance(command, AdvancePixels):
            yield from self.explorer.advance(command)
        elif isinstance(command, PlacePixel):
            yield from self.explorer.place(command)
        elif isinstance(command, EditPixel):
            yield from self.explorer.edit(command)
        elif isinstance(command, AttributePixel):
            yield from self.explorer.attribute(command)
        elif isinstance(command, ComparePixels):
            model = self.others.get(command.run, self.model)
            yield from self.explorer.compare(model, command.run, self.weights_step, command)
        elif isinstance(command, MeasureInfluence):
            yield from self.explorer.influence(self.others[command.run] if command.run else None, command)
        elif isinstance(command, RewindPixels):
            yield from self.explorer.rewind(command)
        elif isinstance(command, ForgetPath):
            yield from self.explorer.forget(command)
        elif isinstance(command, ClosePixels):
            yield from self.explorer.close(command)
        elif isinstance(command, ContinuePixels):
            yield from (event for event in self.explorer.continuations(command) if event is not None)
        elif isinstance(command, GuessPixels):
            yield from (event for event in self.explorer.guess(command) if event is not None)
        elif isinstance(command, BrowseData):
            yield self._browsed(command)

    def _browsed(self, command: BrowseData) -> DataBrowsed:
        images = self.data[command.start : command.start + command.count]
        return DataBrowsed(
            request=command.request,
            data=command.data,
            image=self.spec,
            split=command.split,
            start=command.start,
            sizes={"train": 100, "valid": len(self.data), "test": 0},
            images=Array.of(images),
            labels=Array.of(np.arange(len(images), dtype=np.int64) % 10),
            label_names=tuple("0123456789"),
        )

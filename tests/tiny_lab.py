"""A laboratory for tests: a mean of points that can be dragged, and draws that add up."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

import numpy as np
import torch
from msgspec import Struct

from gmstudio.labs.base import Lab, Numbers
from gmstudio.protocol.array import Array
from gmstudio.protocol.config import field
from gmstudio.protocol.labs import LabAction, LabCard
from gmstudio.protocol.plane_layers import Handles
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Number, Plane, Scene, Sentence
from gmstudio.protocol.scenes import Numbers as NumbersBlock


class TinyConfig(Struct, frozen=True, kw_only=True):
    """Settings."""

    spread: Annotated[float, field("Spread", "Standard deviation of a draw.", gt=0, le=10)] = 1.0
    draws: Annotated[int, field("Draws", "Draws of one action.", ge=1, le=100_000)] = 5


class TinyLab(Lab):
    """Mean of points, and of draws around it."""

    card: ClassVar[LabCard] = LabCard(
        name="tiny",
        title="Tiny lab",
        question="Where is the mean of a few points?",
        latex=r"\bar{x} = \frac{1}{n} \sum_{i=1}^n x_i",
        notes="",
        book="",
    )
    Config = TinyConfig
    actions = (
        LabAction(name="draw", title="Draw", help="Draw around the mean."),
        LabAction(name="fail", title="Fail", help="Fail after one draw."),
    )
    live_inputs: ClassVar[frozenset[str]] = frozenset({"level"})
    growing_inputs: ClassVar[frozenset[str]] = frozenset({"points"})

    def default_inputs(self) -> dict[str, Numbers]:
        return {"points": np.array([[0.0, 0.0], [1.0, 1.0]]), "level": np.array([0.5])}

    def prepare(self) -> Iterator[Scene | None]:
        self.drawn: list[float] = []
        self.closed = 0
        yield None
        yield self.scene()

    def configure(self, config: TinyConfig) -> None:
        if config.spread > 9.5 and config.draws > 50_000:
            raise ValueError("Spread 9.5 with more than 50,000 draws is too much; lower one.")
        super().configure(config)

    def edit(self, name: str, values: Numbers) -> str:
        self.inputs[name] = np.clip(values, -5, 5)
        return "" if np.array_equal(self.inputs[name], values) else "Points beyond 5 were moved to 5."

    def act(self, action: str) -> Iterator[Scene | None]:
        noise = self.bench.generator(len(self.drawn))
        try:
            for _ in range(self.config.draws):
                self.drawn.append(self.config.spread * float(torch.randn((), generator=noise)))
                if action == "fail":
                    raise ValueError("The draw failed; draw again.")
                yield self.scene() if self.bench.due() else None
        finally:
            self.closed += 1

    def scene(self) -> Scene:
        axis = PointAxis("x", -5.0, 5.0)
        points = self.inputs["points"]
        numbers = (
            Number("mean", f"{points.mean():.6f}", latex=r"\bar{x}"),
            Number("draws", str(len(self.drawn))),
            Number("sum", f"{sum(self.drawn):.12f}"),
        )
        plane = Plane(
            title="Points", x=axis, y=axis, layers=(Handles(name="points", points=Array.of(points), help="Moves it."),)
        )
        rows = ((plane, NumbersBlock(title="Numbers", numbers=numbers)), (Sentence(text="A mean."),))
        return Scene(rows=rows, stage=f"{len(self.drawn)} drawn")

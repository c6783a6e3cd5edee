"""Scenes for the tests of their drawing."""

import numpy as np
from numpy.typing import NDArray
from plane_making import X1, X2, dots, heat

from gmstudio.protocol.array import Array
from gmstudio.protocol.plane_layers import Guide, Handles
from gmstudio.protocol.scenes import (
    Bars,
    Block,
    Curves,
    Formula,
    Line,
    Maps,
    Mark,
    Number,
    Numbers,
    Pictures,
    Plane,
    Scene,
    Sentence,
    Table,
)


def array(*values: object) -> Array:
    return Array.of(np.array(values, np.float64))


def plane(handle: tuple[float, float] = (0.0, 0.0), *, guide: float = 1.0, click: str = "") -> Plane:
    layers = (
        heat(np.eye(8), contours=2),
        dots(20),
        Handles(name="means", points=array(handle, (3.0, 1.5))),
        Guide(name="slice", axis="x", value=guide),
    )
    return Plane(title="Density", x=X1, y=X2, layers=layers, click=click, note="Drag a mean.")


def curves(place: float = 0.5, **options: object) -> Curves:
    x = np.linspace(0.0, 1.0, 11)
    line = Line("loss", Array.of(x), Array.of(x**2 + 1.0))
    marks = (Mark(name="rate", x=place, label="rate"), Mark(x=0.9, label="best"))
    return Curves(title="Loss", x_title="step", y_title="nats", lines=(line,), marks=marks, **options)  # type: ignore[arg-type]


def table(values: NDArray[np.float64] | None = None, name: str = "joint") -> Table:
    values = np.array([[0.1, 0.2, 0.0], [0.3, 0.4, np.nan]]) if values is None else values
    return Table(
        title="p(a, b)",
        columns=("b = 0", "b = 1", "b = 2"),
        rows=("a = 0", "a = 1"),
        values=Array.of(values),
        name=name,
        highlighted=((1, 0),),
    )


NUMBERS = Numbers(title="Terms", numbers=(Number("KL", "1.5 nats", "Divergence.", r"D_{KL}(p\|q)"), Number("n", "20")))
BARS = Bars(title="p", labels=("a", "b"), series=("model",), values=Array.of(np.array([[0.25, 0.75]], np.float32)))
PICTURES = Pictures(title="Samples", images=Array.of(np.zeros((2, 1, 4, 4), np.uint8)))
MAPS = Maps(title="Surprisal", values=Array.of(np.array([[[0.5, np.nan]]], np.float32)), captions=("one",), unit="nats")
FORMULA = Formula(latex=r"\sum_x p(x)=1", title="Mass")
SENTENCE = Sentence(text="It is exact.", finding=True)


def scene(*rows: tuple[Block, ...]) -> Scene:
    return Scene(rows=rows)


def every_block() -> Scene:
    return scene((plane(), curves(), NUMBERS), (BARS, table()), (PICTURES, MAPS), (FORMULA, SENTENCE))

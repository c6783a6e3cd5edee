"""Drawing of a view, for the tests of the views of the plane."""

from typing import Any, TypeVar

import numpy as np

from gmstudio.data.dataset import Dataset
from gmstudio.engine.plane.insides import draw_inside
from gmstudio.families.base import Family
from gmstudio.protocol.array import Array
from gmstudio.protocol.plane import DrawInside, InsideDrawn

LayerT = TypeVar("LayerT")


def inside(
    model: Family,
    data: Dataset,
    view: str,
    inputs: dict[str, Any] | None = None,
    point: tuple[float, ...] = (),
    seed: int = 0,
) -> InsideDrawn:
    """The last drawing of a view."""
    given = {name: Array.of(np.asarray(values, np.float64)) for name, values in (inputs or {}).items()}
    command = DrawInside(request=4, run="/run", view=view, inputs=given, point=point, seed=seed)
    drawn = [event for event in draw_inside(model, 12, data, command) if event is not None]
    assert all(isinstance(event, InsideDrawn) and event.request == 4 for event in drawn)
    assert [event.done for event in drawn] == [False] * (len(drawn) - 1) + [True]  # type: ignore[attr-defined]
    return drawn[-1]  # type: ignore[return-value]


def layers(drawn: InsideDrawn, kind: type[LayerT]) -> list[LayerT]:
    """Its layers of a kind."""
    return [layer for layer in drawn.layers if isinstance(layer, kind)]


def number(drawn: InsideDrawn, name: str) -> float:
    """Value of a number whose name begins like this."""
    value = next(number.value for number in drawn.numbers if number.name.startswith(name))
    return float(value.split()[0])

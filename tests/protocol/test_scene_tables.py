"""The numbers of scenes as CSV."""

import csv
import io

import numpy as np
from scene_making import curves, every_block, plane, scene, table

from gmstudio.protocol.array import Array
from gmstudio.protocol.plane_layers import Arrows, Dots, Ellipses, Mesh, Paths, Profile
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scene_tables import scene_csv
from gmstudio.protocol.scenes import Plane


def parts(text: str) -> dict[str, list[list[str]]]:
    """Rows below each heading."""
    found: dict[str, list[list[str]]] = {}
    for block in text.strip().split("\n\n"):
        heading, _, rest = block.partition("\n")
        assert heading.startswith("# ")
        found[heading[2:]] = list(csv.reader(io.StringIO(rest)))
    return found


def test_every_number_of_a_scene_is_there() -> None:
    found = parts(scene_csv(every_block()))
    assert found["Terms"] == [["quantity", "value"], ["KL", "1.5 nats"], ["n", "20"]]
    assert found["p"] == [["", "model"], ["a", "0.25"], ["b", "0.75"]]
    assert found["p(a, b)"][2] == ["a = 1", "0.3", "0.4", ""]
    assert found["Loss"][0] == ["line", "step", "nats"]
    assert found["Loss"][6] == ["loss", "0.5", "1.25"]
    assert found["Loss: marks"][1:] == [["rate", "0.5"], ["best", "0.9"]]
    assert found["Surprisal: one (nats)"] == [["row \\ column", "0", "1"], ["0", "0.5", ""]]
    assert len(found["Density: data"]) == 21
    assert found["Density: means"][1:] == [["1", "0.0", "0.0"], ["2", "3.0", "1.5"]]
    assert "It is exact." in found
    assert not any("Samples" in heading for heading in found)


def test_a_map_has_the_centres_of_its_cells_as_headings() -> None:
    heat = parts(scene_csv(scene((plane(),))))["Density: p(x)"]
    assert heat[0][:3] == ["x₂ \\ x₁", "-3.5", "-2.5"]
    assert [row[0] for row in heat[1:3]] == ["-1.75", "-1.25"]
    assert np.trace(np.array([row[1:] for row in heat[1:]], float)) == 8.0


def test_the_other_layers_of_a_plane() -> None:
    def array(values: object) -> Array:
        return Array.of(np.array(values, np.float64))

    layers = (
        Dots(name="classes", points=array([[0, 1]]), groups=Array.of(np.array([3]))),
        Arrows(name="score", starts=array([[0, 0]]), ends=array([[1, 2]])),
        Paths(name="chain", points=array([[[0, 0], [1, 1], [np.nan, np.nan]]])),
        Mesh(name="grid", points=array(np.zeros((2, 2, 2))), shade=array([[0.5]]), unit="nats"),
        Ellipses(name="q", means=array([[0, 0]]), covariances=array([[[1, 0.5], [0.5, 2]]])),
        Profile(name="p(x)", axis="y", places=array([0, 1]), heights=array([0.25, 0.75])),
    )
    block = Plane(title="Inside", x=PointAxis("a", 0, 1, "cm"), y=PointAxis("b", 0, 1), layers=layers)
    found = parts(scene_csv(scene((block,))))
    assert found["Inside: classes"] == [["a (cm)", "b", "group"], ["0.0", "1.0", "3"]]
    assert found["Inside: score"][1] == ["0.0", "0.0", "1.0", "2.0"]
    assert found["Inside: chain"][1:] == [["0", "0", "0.0", "0.0"], ["0", "1", "1.0", "1.0"]]
    assert found["Inside: grid (nats), cells"][1] == ["0", "0.5"]
    assert found["Inside: q"][1] == ["0.0", "0.0", "1.0", "0.5", "2.0"]
    assert found["Inside: p(x)"] == [["b", "density"], ["0.0", "0.25"], ["1.0", "0.75"]]


def test_the_same_scene_gives_the_same_text() -> None:
    shown = scene((curves(), table()))
    assert scene_csv(shown) == scene_csv(shown)

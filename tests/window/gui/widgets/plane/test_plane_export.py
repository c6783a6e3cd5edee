"""Planes as files."""

from xml.etree import ElementTree

import numpy as np
import pytest
from plane_making import X1, X2, dots, heat
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.plane_layers import Ellipses, Mesh, Paths
from gmstudio.window.gui.widgets.plane.plane_canvas import PlaneCanvas
from gmstudio.window.gui.widgets.plane.plane_export import plane_image, plane_svg

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def canvas(qtbot: QtBot) -> PlaneCanvas:
    made = PlaneCanvas()
    qtbot.addWidget(made)
    made.set_axes(X1, X2)
    made.resize(400, 300)
    grid = np.stack(np.meshgrid(np.arange(3.0), np.arange(3.0)), axis=-1)
    made.set_layers(
        [
            heat(np.eye(8), contours=2),
            dots(25),
            Paths(name="path", points=Array.of(np.array([[[0.0, 0.0], [1.0, 1.0], [np.nan, np.nan]]])), marked=True),
            Mesh(name="grid", points=Array.of(grid), shade=Array.of(np.ones((2, 2), np.float32))),
            Ellipses(name="q", means=Array.of(np.zeros((1, 2))), covariances=Array.of(np.eye(2)[None])),
        ]
    )
    return made


def test_a_picture_has_the_scale_that_was_chosen(canvas: PlaneCanvas) -> None:
    image = plane_image(canvas, 3.0)
    assert (image.width(), image.height()) == (1200, 900)
    at = canvas.mapping.point(-3.75, -1.9) * 3
    inside, outside = image.pixelColor(at.toPoint()), image.pixelColor(5, 5)
    assert inside != outside


def test_points_and_text_of_an_svg_are_vectors_and_the_map_is_embedded(canvas: PlaneCanvas) -> None:
    tree = ElementTree.fromstring(plane_svg(canvas))
    assert len(list(tree.iter(f"{SVG}image"))) == 1
    assert len(list(tree.iter(f"{SVG}circle"))) + len(list(tree.iter(f"{SVG}ellipse"))) >= 25
    texts = [text.text for text in tree.iter(f"{SVG}text")]
    assert {"x₁", "x₂", "data", "path"} <= set(texts)

"""Colours of the maps of a plane."""

import numpy as np

from gmstudio.protocol.array import Array
from gmstudio.protocol.plane_layers import Heat
from gmstudio.window.gui.widgets.plane.heat_picture import colour_table, heat_image
from gmstudio.window.gui.widgets.plane.plane_frame import legend_entries


def heat(low: float, top: float, *values: float) -> Heat:
    array = Array.of(np.array([values], np.float32))
    return Heat(name="log p", values=array, extent=(0, 1, 0, 1), unit="nats", top=top, low=low)


def test_colours_go_from_the_lowest_value_to_the_top(qapp: object) -> None:
    image, table = heat_image(heat(-20.0, -8.0, -20.0, -14.0, -8.0, -99.0)), colour_table("heat")
    found = [image.pixelColor(column, 0).getRgb()[:3] for column in range(4)]
    assert found == [tuple(table[index].tolist()) for index in (0, 128, 255, 0)]


def test_the_top_of_logarithms_can_be_zero(qapp: object) -> None:
    image, table = heat_image(heat(-12.0, 0.0, 0.0, -12.0, -90.0)), colour_table("heat")
    found = [image.pixelColor(column, 0).getRgb()[:3] for column in range(3)]
    assert found == [tuple(table[index].tolist()) for index in (255, 0, 0)]
    assert legend_entries((heat(-12.0, 0.0, -90.0),))[0].ends == ("−12", "0 nats")


def test_the_legend_names_both_ends(qapp: object) -> None:
    assert legend_entries((heat(-20.0, -8.0, -10.0),))[0].ends == ("−20", "−8 nats")
    assert legend_entries((heat(0.0, 2.0, 1.0),))[0].ends == ("0", "2 nats")

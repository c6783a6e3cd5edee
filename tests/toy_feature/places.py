"""The list of places, with one entry more."""

from toy_feature.state import ToyState

from gmstudio.window.gui.places import PLACES as OURS
from gmstudio.window.gui.places import Place

PLACES = (*OURS, Place("toy", "Toy", "info", "Count parameters", "toy_feature.panel:ToyPanel", ToyState))

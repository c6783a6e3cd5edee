"""The list of places, with one entry more."""

from gmstudio.window.gui.places import PLACES as OURS
from gmstudio.window.gui.places import Place

PLACES = (
    *OURS,
    Place("toy", "Toy", "info", "Count parameters", "toy_feature.panel:ToyPanel", "toy_feature.state:ToyState"),
)

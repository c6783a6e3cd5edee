"""Handles and guides of a plane: where they are while they are dragged, and their drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPen

from gmstudio.protocol.plane_layers import Guide, Handles, PlaneLayer
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.held_places import HeldPlaces
from gmstudio.window.gui.widgets.plane.layer_paint import LayerPainter
from gmstudio.window.gui.widgets.plane.plane_view import Mapping

REACH = 11.0
"""Distance at which the pointer takes hold of a handle or a guide, pixels."""
RADIUS = 6.0
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Hand:
    """What can be taken hold of: a handle by its input and index, or a guide."""

    name: str
    index: int
    guide: bool = False


class PlaneHands:
    """Places of handles and guides.

    Attributes:
        chosen: what the keys move.
    """

    def __init__(self) -> None:
        self._layers: tuple[Handles | Guide, ...] = ()
        self._places = HeldPlaces[Hand]()
        self.chosen: Hand | None = None

    def set_layers(self, layers: Sequence[PlaneLayer]) -> None:
        """Take the handles and guides among the layers."""
        self._layers = tuple(layer for layer in layers if isinstance(layer, Handles | Guide))
        hands = self.hands()
        if self.chosen not in hands:
            self.chosen = None
        self._places.settle({hand: self._said(hand) for hand in hands})

    def confirm(self, name: str) -> None:
        """Take the present layers as the answer to the last move of an input."""
        for hand in self.hands():
            if hand.name == name:
                self._places.confirm(hand)

    @property
    def held(self) -> Hand | None:
        """What is being dragged."""
        return self._places.held

    def hold(self, hand: Hand | None) -> None:
        """Take hold of a handle or guide; None: let go."""
        if hand is None:
            self._places.release()
        else:
            self._places.held = hand

    def hands(self) -> list[Hand]:
        """All that can be dragged, in the order of the layers."""
        found = []
        for layer in self._layers:
            if isinstance(layer, Handles):
                found += [Hand(layer.name, index) for index in range(layer.points.shape[0])]
            elif layer.name:
                found.append(Hand(layer.name, 0, guide=True))
        return found

    def place(self, hand: Hand) -> tuple[float, float]:
        """Point of a handle; of a guide its place on its axis, and 0 on the other."""
        x, y = self._places.get(hand) or self._said(hand)
        return x, y

    def points(self, name: str) -> Floats:
        """Points (N, 2) of the handles of an input, or the place (1,) of a guide.

        Raises:
            KeyError: when there is no such input.
        """
        hands = [hand for hand in self.hands() if hand.name == name]
        if not hands:
            raise KeyError(name)
        if hands[0].guide:
            return np.array([self.along(hands[0])])
        return np.array([self.place(hand) for hand in hands])

    def along(self, hand: Hand) -> float:
        """Place of a guide on its axis."""
        return self.place(hand)[0 if self._layer(hand).axis == "x" else 1]  # type: ignore[union-attr]

    def move(self, hand: Hand, x: float, y: float) -> None:
        """Put a handle or a guide at a point; what moves along one axis keeps its place on the other."""
        layer, before = self._layer(hand), self.place(hand)
        axis = layer.axis if isinstance(layer, Guide) else layer.along
        place = (before[0] if axis == "y" else x, before[1] if axis == "x" else y)
        self._places.put(hand, place)

    def nearest(self, mapping: Mapping, at: QPointF) -> Hand | None:
        """Handle, or else guide, within reach of a place of the screen."""
        found: list[tuple[float, Hand]] = []
        for hand in self.hands():
            place = mapping.point(*self.place(hand)) - at
            if hand.guide:
                axis = self._layer(hand).axis  # type: ignore[union-attr]
                distance = REACH / 2 + abs(place.x() if axis == "x" else place.y())  # handles come before guides
            else:
                distance = float(np.hypot(place.x(), place.y()))
            if distance <= REACH:
                found.append((distance, hand))
        return min(found, key=lambda pair: pair[0])[1] if found else None

    def next_hand(self, backwards: bool = False) -> Hand | None:
        """Handle or guide after the chosen one; after the last one none."""
        hands: list[Hand | None] = [None, *self.hands()]
        return hands[(hands.index(self.chosen) + (-1 if backwards else 1)) % len(hands)]

    def help(self, hand: Hand) -> str:
        """Sentence on what moving it does."""
        return self._layer(hand).help

    def describe(self, hand: Hand) -> str:
        """Label of a handle or guide, or its number."""
        layer = self._layer(hand)
        if isinstance(layer, Guide):
            return layer.label or layer.name
        return layer.labels[hand.index] if hand.index < len(layer.labels) else f"point {hand.index + 1}"

    def paint(self, painter: QPainter, mapping: Mapping, under: Hand | None) -> None:
        """Paint guides and handles.

        Args:
            painter: of the widget.
            mapping: places of the plane on the screen.
            under: what the pointer is over.
        """
        writer = LayerPainter(painter, mapping)
        for layer in self._layers:
            if isinstance(layer, Guide):
                self._paint_guide(painter, mapping, layer, writer, under)
        for layer in self._layers:
            if isinstance(layer, Handles):
                for index in range(layer.points.shape[0]):
                    hand = Hand(layer.name, index)
                    self._paint_handle(painter, mapping.point(*self.place(hand)), hand, under)
                if layer.labels:
                    pixels = [mapping.point(*self.place(Hand(layer.name, i))) for i in range(layer.points.shape[0])]
                    writer.labels(np.array([(p.x(), p.y()) for p in pixels]).reshape(-1, 2), layer.labels, RADIUS + 4)

    def _paint_handle(self, painter: QPainter, place: QPointF, hand: Hand, under: Hand | None) -> None:
        strong = hand in (self.chosen, self.held, under)
        painter.setPen(QPen(theme().color("base"), 4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(place, RADIUS + 0.5, RADIUS + 0.5)
        painter.setPen(QPen(theme().color("text"), 2))
        painter.setBrush(theme().color("accent"))
        painter.drawEllipse(place, RADIUS, RADIUS)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if strong:
            painter.setPen(QPen(theme().color("mark"), 2))
            painter.drawEllipse(place, RADIUS + 4, RADIUS + 4)

    def _paint_guide(
        self, painter: QPainter, mapping: Mapping, guide: Guide, writer: LayerPainter, under: Hand | None
    ) -> None:
        hand, area = Hand(guide.name, 0, guide=True), mapping.area
        value = self.along(hand) if guide.name else guide.value
        place = mapping.point(value, value)
        if guide.axis == "x":
            ends = QPointF(place.x(), area.top()), QPointF(place.x(), area.bottom())
            label = [(place.x(), area.top() + painter.fontMetrics().height() + 2)]
        else:
            ends = QPointF(area.left(), place.y()), QPointF(area.right(), place.y())
            label = [(area.right() - painter.fontMetrics().horizontalAdvance(guide.label) - 8, place.y())]
        strong = bool(guide.name) and hand in (self.chosen, self.held, under)
        painter.setPen(QPen(theme().color("base"), 4))
        painter.drawLine(*ends)
        style = Qt.PenStyle.SolidLine if guide.name else Qt.PenStyle.DashLine
        painter.setPen(QPen(theme().color("mark" if strong else "accent"), 2, style))
        painter.drawLine(*ends)
        if guide.label:
            writer.labels(np.array(label), [guide.label])

    def _layer(self, hand: Hand) -> Handles | Guide:
        return next(
            layer for layer in self._layers if layer.name == hand.name and isinstance(layer, Guide) == hand.guide
        )

    def _said(self, hand: Hand) -> tuple[float, float]:
        layer = self._layer(hand)
        if isinstance(layer, Guide):
            return (layer.value, 0.0) if layer.axis == "x" else (0.0, layer.value)
        x, y = layer.points.numpy()[hand.index].tolist()
        return x, y

"""The image on the Pixels panel's canvas: picture, legend, and the reading of a pixel."""

import math

import numpy as np

from gmstudio.protocol.images import ImageSpec
from gmstudio.window.gui.panels.pixels.guess_picture import round_reading
from gmstudio.window.gui.panels.pixels.names import CHANNELS, decimal
from gmstudio.window.gui.widgets.canvas.order_overlay import OrderPath
from gmstudio.window.gui.widgets.canvas.pixel_canvas import Picture
from gmstudio.window.gui.widgets.images.heat import scale_top
from gmstudio.window.state.pixels.order import painted_ranks, pixel_path
from gmstudio.window.state.pixels.receptive_field import blind_pixels, blind_spot
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import PixelsState

NEXT = "frame: next · outline: receptive field, dimmed outside · hatching: not yet sampled"
FINISHED = "finished"
EDITED = "frame: edited · outline: receptive field, dimmed outside"
BLIND = "pink: blind spot"
ABOVE_UNIFORM = 3.0
"""Nats above the surprisal of a pixel with equally likely values, at which the scale of surprisal ends."""


def picture_of(session: PixelsState) -> Picture | None:
    """Return the image so far; during an edit, the edited pixel is framed and its context is outlined.

    While an order is painted, context, observed and next pixel are left out: they belong to the order in use.
    """
    navigator, state = session.navigator, session.navigator.shown
    if state is None:
        return None
    position, context, step = state.position, state.context, state.step
    if navigator.editing is not None:
        step = navigator.editing.step
        position = state.place_of(step)
        if navigator.state is not None and navigator.state.step == step:
            context = navigator.state.context
    observed = session.conditioning.observed_mask(state).any(axis=0)
    if session.tools.tool == "order":
        context, observed, position = np.zeros_like(context), np.zeros_like(observed), None
    return Picture(
        image=state.image,
        levels=state.spec.levels,
        placed=state.placed(),
        context=context,
        current=position[1:] if position else None,
        surprisal=state.surprisal(),
        top=surprisal_top(state.spec),
        observed=np.asarray(observed),
        blind=blind_pixels(state.order, step, context),
        chosen=tuple({state.place_of(step)[1:] for step in navigator.chosen if step < state.step}),
    )


def surprisal_top(image: ImageSpec) -> float:
    """Upper end of the scale of surprisal per pixel, nats: the same at every step and for every model of such images.

    It is a round number (1, 2, 5, 10 …); what is larger is drawn in the brightest colour.
    """
    return scale_top(np.array([image.channels * math.log(image.levels) + ABOVE_UNIFORM]))


class OrderPaths:
    """Paths of generation orders; that of the last generation is kept."""

    def __init__(self) -> None:
        self._session = 0
        self._path = np.zeros((0, 2), np.int64)

    def of(self, state: PixelSnapshot) -> OrderPath:
        """Order of a generation, with the next pixel."""
        if state.session != self._session or not self._path.size:
            self._session, self._path = state.session, pixel_path(state.order)
        at = len(self._path)
        if state.position is not None:
            at = int(np.flatnonzero((self._path == state.position[1:]).all(axis=1))[0])
        return OrderPath(self._path, at)


def legend_of(session: PixelsState) -> str:
    """Legend of the marks on the canvas."""
    navigator, conditioning = session.navigator, session.conditioning
    state = navigator.shown
    if state is None or session.tools.tool == "order":
        return " "
    texts = [EDITED if navigator.editing is not None else FINISHED if state.finished else NEXT]
    shown = navigator.state
    if shown is not None and blind_spot(shown.order, shown.step, shown.context).any():
        texts.append(BLIND)
    if navigator.chosen:
        texts.append("corner: value chosen by you")
    image = conditioning.image
    if image is not None and image.observed is None and conditioning.unlikely is not None:
        texts.append("orange: unlikely")
    elif image is not None:
        observed = conditioning.observed_mask(state)
        if not observed.any(axis=0).all():
            texts.append("dashes or dots: observed")
        elif not observed.all() and not state.finished:
            texts.append("cut corner: some channels not yet sampled")
    return " · ".join(texts)


def reading_of(session: PixelsState, row: int, column: int) -> str:
    """Reading of a pixel under the pointer; empty outside the image, unless a round of a guess is shown."""
    if session.guessing.shown:
        return round_reading(session.guessing, row, column)
    state, tools, image = session.navigator.shown, session.tools, session.conditioning.image
    if state is None or not (0 <= row < state.spec.height and 0 <= column < state.spec.width):
        return ""
    start = f"Row {row}, column {column}: "
    if tools.tool == "order":
        rank = painted_ranks(tools.order.ranks())[row, column]
        return f"{start}rank {rank}, {'painted' if tools.order.mask()[row, column] else 'not painted'}"
    return start + reading(state, row, column, image.num_observed if image is not None else 0)


def reading(state: PixelSnapshot, row: int, column: int, num_observed: int = 0) -> str:
    """Value, probability and nats of each sub-pixel of a pixel.

    Args:
        state: of the generation.
        row: of the pixel.
        column: of the pixel.
        num_observed: observed sub-pixels, the first in the order.
    """
    parts = []
    steps = state.steps_of_pixel(row, column)
    for step in steps.tolist():
        channel = state.place_of(step)[0]
        colour = CHANNELS[state.spec.channels][channel]
        start = f"{colour} " if colour else "value "
        if step < state.step:
            nats = float(state.nats[step])
            observed = " (observed)" if step < num_observed else ""
            value = f"{start}{state.image[channel, row, column]}{observed}"
            parts.append(f"{value}, p = {np.exp(-nats):.4g}, {decimal(nats, 3)} nats")
        else:
            parts.append(f"{start}not yet sampled, step {step}")
    sampled = int(np.count_nonzero(steps < state.step))
    if 0 < sampled < steps.size:
        parts.append(f"{sampled} of {steps.size} channels sampled")
    return "; ".join(parts)

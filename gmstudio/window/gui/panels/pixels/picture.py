"""What the Pixels panel's canvas shows of a session, as a picture and in words."""

import numpy as np

from gmstudio.window.gui.panels.pixels.conditional import CHANNELS
from gmstudio.window.gui.widgets.canvas.order_overlay import OrderPath
from gmstudio.window.gui.widgets.canvas.pixel_canvas import Picture
from gmstudio.window.gui.widgets.images.heat import scale_top
from gmstudio.window.state.pixels.order import painted_ranks, pixel_path
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import PixelsState

NEXT = "framed: next · tinted: what the model can see for it · hatched: to come"
FINISHED = "finished"
EDITED = "framed: edited · tinted: what the model can see for it"


def picture_of(session: PixelsState) -> Picture | None:
    """The image as far as it has come; while a sub-pixel is edited, that one is framed and its context is tinted.

    While an order is painted, context, given and next pixel are left out: they belong to the order that is in use.
    """
    navigator, state = session.navigator, session.navigator.shown
    if state is None:
        return None
    surprisal = state.surprisal()
    position = state.position
    context = state.context
    if navigator.editing is not None:
        position = state.place_of(navigator.editing.step)
        if navigator.state is not None and navigator.state.step == navigator.editing.step:
            context = navigator.state.context
    given = session.givens.is_on_image(state).any(axis=0)
    if session.tools.tool == "order":
        context, given, position = np.zeros_like(context), np.zeros_like(given), None
    return Picture(
        image=state.image,
        levels=state.spec.levels,
        placed=state.placed(),
        context=context,
        current=position[1:] if position else None,
        surprisal=surprisal,
        top=scale_top(surprisal),
        observed=np.asarray(given),
        chosen=tuple({state.place_of(step)[1:] for step in navigator.chosen if step < state.step}),
    )


class OrderPaths:
    """Remembers the last order's path, so that moving along it costs nothing."""

    def __init__(self) -> None:
        self._session = 0
        self._path = np.zeros((0, 2), np.int64)

    def of(self, state: PixelSnapshot) -> OrderPath:
        """The order of a generation, and which pixel of it is next."""
        if state.session != self._session or not self._path.size:
            self._session, self._path = state.session, pixel_path(state.order)
        at = len(self._path)
        if state.position is not None:
            at = int(np.flatnonzero((self._path == state.position[1:]).all(axis=1))[0])
        return OrderPath(self._path, at)


def legend_of(session: PixelsState) -> str:
    """What the marks on the canvas mean, those that are there."""
    navigator, givens = session.navigator, session.givens
    state = navigator.shown
    if state is None or session.tools.tool == "order":
        return " "
    texts = [EDITED if navigator.editing is not None else FINISHED if state.finished else NEXT]
    if navigator.chosen:
        texts.append("corner: chosen by you")
    if givens.given is not None and givens.given.mask is None and givens.unlikely is not None:
        texts.append("tinted: unlikely")
    elif givens.given is not None:
        given = givens.is_on_image(state)
        if not given.any(axis=0).all():
            texts.append("dashes or dots: given")
        elif not given.all() and not state.finished:
            texts.append("cut corner: only some colours are there")
    return " · ".join(texts)


def reading_of(session: PixelsState, row: int, column: int) -> str:
    """What is to be said of a pixel under the pointer; nothing outside the image."""
    state, tools, given = session.navigator.shown, session.tools, session.givens.given
    if state is None or not (0 <= row < state.spec.height and 0 <= column < state.spec.width):
        return ""
    start = f"Row {row}, column {column}: "
    if tools.tool == "order":
        rank = painted_ranks(tools.order.ranks())[row, column]
        return f"{start}rank {rank}, {'painted' if tools.order.mask()[row, column] else 'not painted'}"
    return start + reading(state, row, column, given.first if given is not None else 0)


def reading(state: PixelSnapshot, row: int, column: int, num_given: int = 0) -> str:
    """Value, probability and nats of each sub-pixel of a pixel, in words.

    Args:
        state: where the generation stands.
        row: of the pixel.
        column: of the pixel.
        num_given: sub-pixels that were given.
    """
    parts = []
    steps = state.steps_of_pixel(row, column)
    for step in steps.tolist():
        channel = state.place_of(step)[0]
        colour = CHANNELS[state.spec.channels][channel]
        start = f"{colour} " if colour else "value "
        if step < state.step:
            nats = float(state.nats[step])
            given = " (given)" if step < num_given else ""
            parts.append(f"{start}{state.image[channel, row, column]}{given}, p = {np.exp(-nats):.4g}, {nats:.3f} nats")
        else:
            parts.append(f"{start}to come at step {step}")
    there = int(np.count_nonzero(steps < state.step))
    if 0 < there < steps.size:
        parts.append(f"a partial colour, {there} of {steps.size}")
    return "; ".join(parts)

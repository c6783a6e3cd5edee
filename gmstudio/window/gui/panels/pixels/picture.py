"""The image on the Pixels panel's canvas: picture, legend, and the reading of a pixel."""

import numpy as np

from gmstudio.window.gui.panels.pixels.names import CHANNELS
from gmstudio.window.gui.widgets.canvas.order_overlay import OrderPath
from gmstudio.window.gui.widgets.canvas.pixel_canvas import Picture
from gmstudio.window.gui.widgets.images.heat import scale_top
from gmstudio.window.state.pixels.order import painted_ranks, pixel_path
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import PixelsState

NEXT = "frame: next · tint: receptive field · hatching: not yet sampled"
FINISHED = "finished"
EDITED = "frame: edited · tint: receptive field"


def picture_of(session: PixelsState) -> Picture | None:
    """Return the image so far; during an edit, the edited pixel is framed and its context is tinted.

    While an order is painted, context, observed and next pixel are left out: they belong to the order in use.
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
    observed = session.conditioning.observed_mask(state).any(axis=0)
    if session.tools.tool == "order":
        context, observed, position = np.zeros_like(context), np.zeros_like(observed), None
    return Picture(
        image=state.image,
        levels=state.spec.levels,
        placed=state.placed(),
        context=context,
        current=position[1:] if position else None,
        surprisal=surprisal,
        top=scale_top(surprisal),
        observed=np.asarray(observed),
        chosen=tuple({state.place_of(step)[1:] for step in navigator.chosen if step < state.step}),
    )


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
    """Reading of a pixel under the pointer; empty outside the image."""
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
            parts.append(
                f"{start}{state.image[channel, row, column]}{observed}, p = {np.exp(-nats):.4g}, {nats:.3f} nats"
            )
        else:
            parts.append(f"{start}not yet sampled, step {step}")
    sampled = int(np.count_nonzero(steps < state.step))
    if 0 < sampled < steps.size:
        parts.append(f"{sampled} of {steps.size} channels sampled")
    return "; ".join(parts)

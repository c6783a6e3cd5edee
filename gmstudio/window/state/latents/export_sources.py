"""Sources of an export from a latent space: its codes, and the provenance that a file embeds and restores.

Shapes: N images, Z latent dimensions.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gmstudio.media import Provenance
from gmstudio.media.map_figure import MapFigure
from gmstudio.media.writing import Format
from gmstudio.window.state.latents.annotations import MAX_NAME
from gmstudio.window.state.latents.direction import Direction
from gmstudio.window.state.latents.interpolation import KeyframePath
from gmstudio.window.state.latents.map import Axis, MapView
from gmstudio.window.state.latents.plane import Plane
from gmstudio.window.state.latents.state import LatentsState

Source = Literal["interpolation", "traversal", "image", "map"]
SOURCES: tuple[Source, ...] = ("interpolation", "traversal", "image", "map")
HORIZONTAL, VERTICAL, RANGE, SIDE = "Horizontal axis", "Vertical axis", "Range", "Images per side"
"""Keywords of a map, whose codes are the one that it goes through and the two vectors that span it."""
SECONDS = "Seconds per segment"
_FORMER = {HORIZONTAL: "Across", VERTICAL: "Up", SIDE: "Images a side", SECONDS: "Seconds a leg"}
"""Keywords in files of earlier versions."""


def frame_count(state: LatentsState, source: Source, form: Format, fps: float, images: int) -> int:
    """Number of images in the file.

    Args:
        state: of the view that is exported.
        source: of the images.
        form: of the file; a film lasts as long as playing does, a traversal as long as a segment.
        fps: frames per second of a film.
        images: of a PNG.
    """
    if source == "image":
        return 1
    if source == "map":
        return state.map.side**2
    if form == "png":
        return images
    interpolation = state.interpolation
    return max(2, round(fps * (interpolation.duration if source == "interpolation" else interpolation.seconds)))


def codes_of(state: LatentsState, source: Source, count: int) -> NDArray[np.float32]:
    """(count, Z) codes of the images.

    Raises:
        ValueError: when there is no such source.
    """
    code = state.code
    if not code.num_dims:
        raise ValueError("No run is open; choose one with a latent space first.")
    if source == "image":
        return code.values[np.newaxis].copy()
    if source == "map":
        return state.map.codes(_plane_of(state))
    if source == "interpolation":
        if not state.interpolation.keyframes:
            raise ValueError("The interpolation has no keyframes; append the current code, or sample two.")
        return state.interpolation.codes(count)
    codes = np.repeat(code.values[np.newaxis], count, axis=0)
    codes[:, code.dim] = code.range.traversed(count)
    return codes


def origin_of(state: LatentsState, source: Source) -> Provenance:
    """Provenance of the images: the interpolation's keyframes, the traversal's ends, the code, or the map's plane.

    Raises:
        ValueError: when there is no such source.
    """
    opened = state.space.opened
    if opened is None:
        raise ValueError("No run is open; choose one with a latent space first.")
    info, interpolation = opened.info, state.interpolation
    is_interpolation = source == "interpolation"
    if is_interpolation:
        codes = np.stack(interpolation.keyframes)
    elif source == "map":
        plane = _plane_of(state)
        codes = np.stack([state.code.values, plane.x, plane.y])
    else:
        codes = codes_of(state, source, 1 if source == "image" else 2)
    return Provenance(
        family=info.spec.family,
        run=info.title,
        folder=info.run,
        created=info.created,
        step=state.shown.step if state.shown is not None else info.step,
        seed=interpolation.seed if is_interpolation else None,
        shows=source,
        panel="latents",
        path=interpolation.path if is_interpolation else "linear",
        closed=is_interpolation and interpolation.loop,
        codes=codes,
        details=_details(state, source),
    )


def _details(state: LatentsState, source: Source) -> dict[str, str]:
    """Further keywords, for people and for restoring."""
    if source == "map":
        shown = state.map
        x, y = (shown.label(axis) for axis in shown.axes)
        return {HORIZONTAL: x, VERTICAL: y, RANGE: f"{shown.span:g}", SIDE: str(shown.side)}
    seconds = {SECONDS: f"{state.interpolation.seconds:g}"}
    return {"Dimension": state.annotations.label(state.code.dim)} | seconds if source == "traversal" else seconds


def figure_of(state: LatentsState, *, axes: bool, dots: bool) -> MapFigure | None:
    """Axes and dots of the map, as far as wanted and there; None: neither."""
    shown = state.map
    scatter = shown.scatter if dots else None
    if not axes and scatter is None:
        return None
    names = (shown.label(shown.axes[0]), shown.label(shown.axes[1]))
    seen = slice(None) if scatter is None or scatter.labels is None else shown.seen(scatter.labels)
    return MapFigure(
        shown.low,
        shown.high,
        shown.side,
        axes=names if axes else None,
        places=None if scatter is None else shown.scattered()[seen],
        labels=None if scatter is None or scatter.labels is None else scatter.labels[seen],
        names=() if scatter is None else scatter.names,
    )


def _plane_of(state: LatentsState) -> Plane:
    plane = state.map.plane
    if plane is None:
        raise ValueError("There is no map: it needs two dimensions or directions that differ; choose them under Map.")
    return plane


def interpolation_of(origin: Provenance) -> KeyframePath | None:
    """Interpolation in a file; None when it has no codes. A traversal is one between its ends, a map its one code."""
    if origin.codes is None:
        return None
    keyframes = origin.codes[:1] if origin.shows == "map" else origin.codes
    try:
        seconds = float(_detail(origin, SECONDS, "3"))
    except ValueError:
        seconds = 3.0
    return KeyframePath(
        keyframes=tuple(keyframes),
        path="spherical" if origin.path == "spherical" else "linear",
        loop=origin.closed,
        seconds=seconds if np.isfinite(seconds) else 3.0,
        seed=origin.seed,
    )


def map_view_of(origin: Provenance) -> MapView | None:
    """Axes and size of the map in a file; None when there is none, or it is incomplete."""
    if origin.shows != "map" or origin.codes is None or len(origin.codes) != 3:
        return None
    try:
        span, side = float(_detail(origin, RANGE, "3")), int(_detail(origin, SIDE, "9"))
    except ValueError:
        span, side = 3.0, 9
    _, x, y = origin.codes
    axes = (_axis(x, _detail(origin, HORIZONTAL, "x")), _axis(y, _detail(origin, VERTICAL, "y")))
    return MapView(axes, span if np.isfinite(span) else 3.0, side)


def _detail(origin: Provenance, keyword: str, default: str) -> str:
    former = _FORMER.get(keyword, keyword)
    return origin.details.get(keyword, origin.details.get(former, default))


def _axis(vector: NDArray[np.float32], name: str) -> Axis:
    """A dimension where the vector is a unit vector, else a direction."""
    if np.count_nonzero(vector) == 1 and vector.max() == 1.0:
        return int(vector.argmax())
    return Direction(name[:MAX_NAME], vector, "map")


def description_of(origin: Provenance) -> str:
    """Predicate about a file: ``shows an interpolation of the run a (vae) at step 300, seed 4``, with a period."""
    shows = {"journey": "interpolation"}.get(origin.shows, origin.shows)
    content = (
        f"{'an' if shows in ('image', 'interpolation') else 'a'} {shows}"
        if shows in SOURCES
        else shows.lower() or "samples"
    )
    parts = [f"shows {content} of the run {origin.run or 'without a name'} ({origin.family})"]
    if origin.step >= 0:
        parts[0] += f" at step {origin.step:,}"
    if origin.seed is not None:
        parts.append(f"seed {origin.seed}")
    hidden = (SECONDS, _FORMER[SECONDS])
    details = [
        f"{key.lower()} {text[:60]}"
        for key, text in origin.details.items()
        if key not in hidden and not text.startswith(("{", "["))  # JSON, which is for programs
    ]
    return ", ".join([*parts, *details[:4]]) + "."

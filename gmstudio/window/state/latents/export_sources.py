"""What of a latent space can be exported: which codes, and the words of their origin.

Shapes: N images, Z latent dimensions.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gmstudio.media import Provenance
from gmstudio.media.writing import Format
from gmstudio.window.state.latents.annotations import MAX_NAME, Direction
from gmstudio.window.state.latents.interpolation import KeyframePath
from gmstudio.window.state.latents.map import Axis, MapView
from gmstudio.window.state.latents.plane import Plane
from gmstudio.window.state.latents.state import LatentsState

Source = Literal["interpolation", "traversal", "image", "map"]
SOURCES: tuple[Source, ...] = ("interpolation", "traversal", "image", "map")
ACROSS, UP, RANGE, SIDE = "Across", "Up", "Range", "Images a side"
"""Keywords of a map, whose codes are the one that it goes through and the two vectors that span it."""


def frame_count(session: LatentsState, source: Source, form: Format, fps: float, images: int) -> int:
    """How many images the file will have.

    Args:
        session: what is exported.
        source: what of it.
        form: of the file; a film lasts as long as playing does, a traversal as long as a segment.
        fps: frames per second of a film.
        images: of a PNG.
    """
    if source == "image":
        return 1
    if source == "map":
        return session.map.side**2
    if form == "png":
        return images
    interpolation = session.interpolation
    return max(2, round(fps * (interpolation.duration if source == "interpolation" else interpolation.seconds)))


def codes_of(session: LatentsState, source: Source, count: int) -> NDArray[np.float32]:
    """(count, Z) codes of the images.

    Raises:
        ValueError: when there is nothing of this kind.
    """
    if not session.num_dims:
        raise ValueError("No run is open; choose one with a latent space first.")
    if source == "image":
        return session.code[np.newaxis].copy()
    if source == "map":
        return session.map.codes(_plane_of(session))
    if source == "interpolation":
        if not session.interpolation.keyframes:
            raise ValueError("The interpolation has no keyframes; add the present code, or draw two.")
        return session.interpolation.codes(count)
    codes = np.repeat(session.code[np.newaxis], count, axis=0)
    codes[:, session.dim] = session.range.traversed(count)
    return codes


def origin_of(session: LatentsState, source: Source) -> Provenance:
    """Source of the images: the interpolation's keyframes, the traversal's two ends, the code, or the map's plane.

    Raises:
        ValueError: when there is nothing of this kind.
    """
    info = session.opened.info if session.opened is not None else None
    if info is None:
        raise ValueError("No run is open; choose one with a latent space first.")
    interpolation = session.interpolation
    is_interpolation = source == "interpolation"
    if is_interpolation:
        codes = np.stack(interpolation.keyframes)
    elif source == "map":
        plane = _plane_of(session)
        codes = np.stack([session.code, plane.x, plane.y])
    else:
        codes = codes_of(session, source, 1 if source == "image" else 2)
    return Provenance(
        family=info.spec.family,
        run=info.title,
        folder=info.run,
        created=info.created,
        seed=interpolation.seed if is_interpolation else None,
        shows=source,
        path=interpolation.path if is_interpolation else "linear",
        closed=is_interpolation and interpolation.closed,
        codes=codes,
        details=_details(session, source),
    )


def _details(session: LatentsState, source: Source) -> dict[str, str]:
    """Further keywords, for people and for bringing it back."""
    if source == "map":
        shown = session.map
        x, y = (shown.name(axis) for axis in shown.axes)
        return {ACROSS: x, UP: y, RANGE: f"{shown.span:g}", SIDE: str(shown.side)}
    seconds = {"Seconds a segment": f"{session.interpolation.seconds:g}"}
    return {"Dimension": session.label(session.dim)} | seconds if source == "traversal" else seconds


def _plane_of(session: LatentsState) -> Plane:
    plane = session.map.plane
    if plane is None:
        raise ValueError("There is no map: it needs two dimensions or directions that differ; choose them under Map.")
    return plane


def interpolation_of(origin: Provenance) -> KeyframePath | None:
    """The interpolation that a file tells of; None when it has no codes. A traversal is one between its ends.

    Of a map it is the code that it goes through.
    """
    if origin.codes is None:
        return None
    keyframes = origin.codes[:1] if origin.shows == "map" else origin.codes
    try:
        seconds = float(origin.details.get("Seconds a segment", "3"))
    except ValueError:
        seconds = 3.0
    return KeyframePath(
        keyframes=tuple(keyframes),
        path="spherical" if origin.path == "spherical" else "linear",
        closed=origin.closed,
        seconds=seconds if np.isfinite(seconds) else 3.0,
        seed=origin.seed,
    )


def map_view_of(origin: Provenance) -> MapView | None:
    """What a map showed that a file tells of; None when it tells of no map, or not enough."""
    if origin.shows != "map" or origin.codes is None or len(origin.codes) != 3:
        return None
    try:
        span, side = float(origin.details.get(RANGE, "3")), int(origin.details.get(SIDE, "9"))
    except ValueError:
        span, side = 3.0, 9
    _, x, y = origin.codes
    axes = (_axis(x, origin.details.get(ACROSS, "x")), _axis(y, origin.details.get(UP, "y")))
    return MapView(axes, span if np.isfinite(span) else 3.0, side)


def _axis(vector: NDArray[np.float32], name: str) -> Axis:
    """A dimension where the vector is one coordinate's, else a direction."""
    if np.count_nonzero(vector) == 1 and vector.max() == 1.0:
        return int(vector.argmax())
    return Direction(name[:MAX_NAME], vector, "map")

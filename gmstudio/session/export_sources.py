"""What of a latent space can be exported: which codes, and the words of their origin.

Shapes: N images, Z latent dimensions.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gmstudio.provenance import Provenance
from gmstudio.session.export_files import Format
from gmstudio.session.journey import Itinerary
from gmstudio.session.latents import LatentsSession

Source = Literal["journey", "traversal", "image"]
SOURCES: tuple[Source, ...] = ("journey", "traversal", "image")


def frame_count(session: LatentsSession, source: Source, form: Format, fps: float, images: int) -> int:
    """How many images the file will have.

    Args:
        session: what is exported.
        source: what of it.
        form: of the file; a film lasts as long as playing does, a traversal as long as a leg.
        fps: frames per second of a film.
        images: of a PNG.
    """
    if source == "image":
        return 1
    if form == "png":
        return images
    journey = session.journey
    return max(2, round(fps * (journey.duration if source == "journey" else journey.seconds)))


def codes_of(session: LatentsSession, source: Source, count: int) -> NDArray[np.float32]:
    """(count, Z) codes of the images.

    Raises:
        ValueError: when there is nothing of this kind.
    """
    if not session.num_dims:
        raise ValueError("No run is open; choose one with a latent space first.")
    if source == "image":
        return session.code[np.newaxis].copy()
    if source == "journey":
        if not session.journey.keyframes:
            raise ValueError("The journey has no keyframes; add the present code, or draw two.")
        return session.journey.codes(count)
    codes = np.repeat(session.code[np.newaxis], count, axis=0)
    codes[:, session.dim] = session.range.traversed(count)
    return codes


def origin_of(session: LatentsSession, source: Source) -> Provenance:
    """Where the images come from: the keyframes of the journey, the two ends of the traversal, or the code."""
    info = session.opened.info if session.opened is not None else None
    if info is None:
        raise ValueError("No run is open; choose one with a latent space first.")
    journey = session.journey
    is_journey = source == "journey"
    codes = np.stack(journey.keyframes) if is_journey else codes_of(session, source, 1 if source == "image" else 2)
    details = {"Dimension": session.label(session.dim)} if source == "traversal" else {}
    return Provenance(
        family=info.family,
        run=info.title,
        folder=info.run,
        created=info.created,
        seed=journey.seed if is_journey else None,
        shows=source,
        path=journey.path if is_journey else "linear",
        closed=is_journey and journey.closed,
        codes=codes,
        details=details | {"Seconds a leg": f"{journey.seconds:g}"},
    )


def journey_of(origin: Provenance) -> Itinerary | None:
    """The journey that a file tells of; None when it has no codes. A traversal is one between its ends."""
    if origin.codes is None:
        return None
    try:
        seconds = float(origin.details.get("Seconds a leg", "3"))
    except ValueError:
        seconds = 3.0
    return Itinerary(
        keyframes=tuple(origin.codes),
        path="spherical" if origin.path == "spherical" else "linear",
        closed=origin.closed,
        seconds=seconds if np.isfinite(seconds) else 3.0,
        seed=origin.seed,
    )

"""Provenance of a picture, embedded in its file as metadata: keywords and texts.

In a PNG they are text chunks, one per keyword; in a GIF's comment, an MP4's comment tag, the EXIF of JPEG and WebP and
the metadata of an SVG, one JSON object.
``Software``, ``Family``, ``Run``, ``Step`` and ``Seed`` are present where known; ``Codes`` is a JSON array of codes, so
that any program can read them. Shapes: N codes, Z latent dimensions.
"""

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio import __version__

FORMAT = 1
MAX_TEXT = 1 << 20
"""Characters of one text; longer ones are neither written nor read."""
SOFTWARE = "gmstudio"
_KNOWN = (
    "Software",
    "Format",
    "Family",
    "Run",
    "Folder",
    "Created",
    "Step",
    "Seed",
    "Shows",
    "Panel",
    "Path",
    "Closed",
    "Codes",
)


class Provenance(msgspec.Struct, frozen=True, eq=False):
    """Origin of a picture.

    Args:
        family: registry name.
        run: title of the run.
        folder: name of the run in its library, or path of its folder; empty when unknown.
        created: start of the run, as in ``run.json``.
        step: training step of the weights; −1 when unknown.
        seed: of the noise, or None.
        shows: kind of content, for example ``image`` or ``interpolation``.
        panel: name of the panel that it is from; empty: of none.
        path: of an interpolation: ``linear`` or ``spherical``.
        closed: the interpolation is a loop.
        codes: (N, Z) float32: keyframes of an interpolation, or the codes of the images; None: none.
        details: further keywords and texts, for people.
        software: name and version of the program.
        format: version of the keywords about codes; written with them.
    """

    family: str
    run: str
    folder: str = ""
    created: str = ""
    step: int = -1
    seed: int | None = None
    shows: str = ""
    panel: str = ""
    path: str = ""
    closed: bool = False
    codes: NDArray[np.float32] | None = None
    details: Mapping[str, str] = {}  # msgspec copies empty defaults
    software: str = f"{SOFTWARE} {__version__}"
    format: int = FORMAT


def metadata_of(origin: Provenance) -> dict[str, str]:
    """Convert to keyword → text; unknown values are left out.

    Raises:
        ValueError: when the codes are too many to be kept in a file.
    """
    metadata = {"Software": origin.software, "Family": origin.family, "Run": origin.run}
    optional = {
        "Format": str(origin.format) if origin.codes is not None else "",
        "Folder": origin.folder,
        "Created": origin.created,
        "Step": str(origin.step) if origin.step >= 0 else "",
        "Seed": "" if origin.seed is None else str(origin.seed),
        "Shows": origin.shows,
        "Panel": origin.panel,
        "Path": origin.path,
        "Closed": "yes" if origin.closed else "",
        "Codes": "" if origin.codes is None else _codes_as_json(origin.codes),
    }
    metadata |= {keyword: text for keyword, text in optional.items() if text}
    return metadata | dict(origin.details)


def comment_lines(metadata: Mapping[str, str]) -> str:
    """Keywords and texts as the head of a table (CSV): a line for each, which begins with ``#``."""
    return "".join(f"# {keyword}: {' '.join(text.split())}\n" for keyword, text in metadata.items())


def parse_metadata(metadata: Mapping[str, str]) -> Provenance | None:
    """Parse keyword → text; None when another program wrote them.

    Raises:
        ValueError: when gmstudio wrote them but a text is malformed, or of a newer format.
    """
    if not metadata.get("Software", "").startswith(SOFTWARE):
        return None
    version = _number(metadata, "Format", FORMAT)
    if version is None or version > FORMAT:
        raise ValueError(
            f"Its metadata has format {metadata['Format'][:20]}, known are up to {FORMAT}; install a newer gmstudio."
        )
    step = _number(metadata, "Step", -1)
    return Provenance(
        family=metadata.get("Family", ""),
        run=metadata.get("Run", ""),
        folder=metadata.get("Folder", ""),
        created=metadata.get("Created", ""),
        step=-1 if step is None else step,
        seed=_number(metadata, "Seed", None),
        shows=metadata.get("Shows", ""),
        panel=metadata.get("Panel", ""),
        path=metadata.get("Path", ""),
        closed=metadata.get("Closed", "") == "yes",
        codes=_codes_from_json(metadata["Codes"]) if metadata.get("Codes") else None,
        details={keyword: text for keyword, text in metadata.items() if keyword not in _KNOWN},
        software=metadata["Software"],
        format=version,
    )


def _number(metadata: Mapping[str, str], keyword: str, default: int | None) -> int | None:
    text = metadata.get(keyword)
    if text is None:
        return default
    try:
        return int(text) if len(text) < 20 else int("too long")
    except ValueError:
        raise ValueError(f"Its {keyword.lower()} is {text[:20]!r}, which is no whole number.") from None


def _codes_as_json(codes: NDArray[np.float32]) -> str:
    """Write codes as JSON, with the shortest numbers that read back as the same float32."""
    text = "[" + ", ".join("[" + ", ".join(map(str, row.tolist())) + "]" for row in _shortest(codes)) + "]"
    if len(text) > MAX_TEXT:
        raise ValueError(
            f"{len(codes)} codes of {codes.shape[1]:,} numbers are too many for a picture's file; keep fewer keyframes."
        )
    return text


def _shortest(codes: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, Z) float64 with the shortest decimal representation of the float32."""
    flat = [float(str(value)) for value in codes.astype(np.float32).ravel()]
    return np.array(flat, np.float64).reshape(codes.shape)


def _codes_from_json(text: str) -> NDArray[np.float32]:
    if len(text) > MAX_TEXT:
        raise ValueError(f"Its codes take {len(text):,} characters; at most {MAX_TEXT:,} are read.")
    try:
        rows = msgspec.json.decode(text, type=list[list[float]])
    except (msgspec.DecodeError, RecursionError):
        raise ValueError("Its codes are no table of numbers; the file was changed.") from None
    if not rows or len({len(row) for row in rows}) != 1 or not rows[0]:
        raise ValueError("Its codes have rows of different lengths; the file was changed.")
    codes = np.array(rows, np.float64)
    if not bool((np.abs(codes) < float(np.finfo(np.float32).max)).all()):
        raise ValueError("Its codes hold numbers that are too large; the file was changed.")
    return codes.astype(np.float32)

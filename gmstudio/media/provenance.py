"""What a picture's file tells of its origin, as keywords and texts.

In a PNG they are text chunks, one a keyword; in a GIF's comment and an MP4's comment tag one JSON object holds them.
``Software``, ``Family``, ``Run``, ``Step`` and ``Seed`` are there where they are known; ``Codes`` is a JSON array of
codes, so that any program can read them. Shapes: N codes, Z latent dimensions.
"""

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio import __version__

FORMAT = 1
MAX_TEXT = 1 << 20
"""Characters of one text; what is longer is neither written nor read."""
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
    "Path",
    "Closed",
    "Codes",
)


class Provenance(msgspec.Struct, frozen=True, eq=False):
    """Where a picture came from.

    Args:
        family: registry name.
        run: title of the run.
        folder: path of the run folder where it was made; empty when unknown.
        created: when the run was begun, as ``run.json`` has it.
        step: training step of the weights; −1 when unknown.
        seed: of the noise, or None.
        shows: what is seen, for example ``journey``.
        path: of a journey: ``linear`` or ``spherical``.
        closed: the journey returns to where it began.
        codes: (N, Z) float32: keyframes of a journey, or the codes of the images; None: none.
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
    path: str = ""
    closed: bool = False
    codes: NDArray[np.float32] | None = None
    details: Mapping[str, str] = {}  # msgspec copies empty defaults
    software: str = f"{SOFTWARE} {__version__}"
    format: int = FORMAT


def words_of(origin: Provenance) -> dict[str, str]:
    """Keyword → text; what is not known is left out.

    Raises:
        ValueError: when the codes are too many to be kept in a file.
    """
    words = {"Software": origin.software, "Family": origin.family, "Run": origin.run}
    optional = {
        "Format": str(origin.format) if origin.codes is not None else "",
        "Folder": origin.folder,
        "Created": origin.created,
        "Step": str(origin.step) if origin.step >= 0 else "",
        "Seed": "" if origin.seed is None else str(origin.seed),
        "Shows": origin.shows,
        "Path": origin.path,
        "Closed": "yes" if origin.closed else "",
        "Codes": "" if origin.codes is None else _written(origin.codes),
    }
    words |= {keyword: text for keyword, text in optional.items() if text}
    return words | dict(origin.details)


def parse_words(words: Mapping[str, str]) -> Provenance | None:
    """The origin that keywords tell; None when they are not ours.

    Raises:
        ValueError: when they are ours but cannot be understood; says which.
    """
    if not words.get("Software", "").startswith(SOFTWARE):
        return None
    version = _number(words, "Format", FORMAT)
    if version is None or version > FORMAT:
        raise ValueError(
            f"Its words are of format {words['Format'][:20]}, known are those up to {FORMAT}; install a newer gmstudio."
        )
    step = _number(words, "Step", -1)
    return Provenance(
        family=words.get("Family", ""),
        run=words.get("Run", ""),
        folder=words.get("Folder", ""),
        created=words.get("Created", ""),
        step=-1 if step is None else step,
        seed=_number(words, "Seed", None),
        shows=words.get("Shows", ""),
        path=words.get("Path", ""),
        closed=words.get("Closed", "") == "yes",
        codes=_read(words["Codes"]) if words.get("Codes") else None,
        details={keyword: text for keyword, text in words.items() if keyword not in _KNOWN},
        software=words["Software"],
        format=version,
    )


def _number(words: Mapping[str, str], keyword: str, default: int | None) -> int | None:
    text = words.get(keyword)
    if text is None:
        return default
    try:
        return int(text) if len(text) < 20 else int("too long")
    except ValueError:
        raise ValueError(f"Its {keyword.lower()} is {text[:20]!r}, which is no whole number.") from None


def _written(codes: NDArray[np.float32]) -> str:
    """The shortest numbers that read back as the same float32."""
    text = "[" + ", ".join("[" + ", ".join(map(str, row.tolist())) + "]" for row in _shortest(codes)) + "]"
    if len(text) > MAX_TEXT:
        raise ValueError(
            f"{len(codes)} codes of {codes.shape[1]:,} numbers are too many for the file's words; keep fewer keyframes."
        )
    return text


def _shortest(codes: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, Z) float64 whose shortest decimal writing is that of the float32."""
    flat = [float(str(value)) for value in codes.astype(np.float32).ravel()]
    return np.array(flat, np.float64).reshape(codes.shape)


def _read(text: str) -> NDArray[np.float32]:
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

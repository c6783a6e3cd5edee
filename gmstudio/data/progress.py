"""Progress of work on data that is done in pieces."""

from dataclasses import dataclass
from typing import Literal

Stage = Literal["index", "read", "sample", "decode", "finish", "load"]
STAGE_TITLES: dict[Stage, str] = {
    "index": "Listing files",
    "read": "Reading files",
    "sample": "Sampling images",
    "decode": "Decoding images",
    "finish": "Finishing",
    "load": "Loading images",
}


@dataclass(frozen=True)
class Progress:
    """State of work between two pieces.

    Args:
        stage: what is done now.
        done: images, files or rows so far.
        total: their number; 0: unknown.
        bad: images that could not be decoded so far.
    """

    stage: Stage
    done: int
    total: int = 0
    bad: int = 0

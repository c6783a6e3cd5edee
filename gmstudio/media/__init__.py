"""Pictures as files: reading, writing, fitting to a model, and provenance metadata, for window and command line."""

from gmstudio.media.provenance import Provenance, comment_lines, metadata_of, parse_metadata
from gmstudio.media.reading import FORMATS, NotOursError, read_provenance

__all__ = [
    "FORMATS",
    "NotOursError",
    "Provenance",
    "comment_lines",
    "metadata_of",
    "parse_metadata",
    "read_provenance",
]

"""Where a picture came from: words that its file carries, written and read the same way by window and command line."""

from gmstudio.media.provenance import Provenance, parse_words, words_of
from gmstudio.media.reading import FORMATS, NotOursError, read_provenance

__all__ = ["FORMATS", "NotOursError", "Provenance", "parse_words", "read_provenance", "words_of"]

"""Where a picture came from: words that its file carries, written and read the same way by window and command line."""

from gmstudio.provenance.files import FORMATS, NotOursError, read_provenance
from gmstudio.provenance.words import Provenance, parse_words, words_of

__all__ = ["FORMATS", "NotOursError", "Provenance", "parse_words", "read_provenance", "words_of"]

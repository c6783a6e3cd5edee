"""Text that was written by others (titles, file names, messages of errors), made safe to show on one line."""

import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
ELLIPSIS = "…"
MAX_TITLE = 80
"""Characters of a run's title that are shown."""
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks, embeddings, overrides and isolates of Unicode's bidirectional algorithm: they reorder the text after them."""


def plain_text(text: str, longest: int = 0) -> str:
    """Return a text on one line, without characters that act on a terminal or a label instead of being shown.

    Control characters and bidirectional marks are left out, line breaks and tabs become spaces, and surrogates (bytes
    of a file name that are not UTF-8) become U+FFFD, so that the result can be encoded.

    Args:
        text: any text.
        longest: shorten longer ones in the middle to this many characters; 0: never.
    """
    plain = "".join(map(_plain, text)).strip()
    if not longest or len(plain) <= longest:
        return plain
    end = (longest - 1) // 2
    return plain[: longest - 1 - end] + ELLIPSIS + plain[len(plain) - end :]


def is_encodable(text: str) -> bool:
    """Test whether a text can be written as UTF-8; a path whose bytes are not UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(letter: str) -> str:
    if letter.isprintable():
        return letter
    if letter.isspace():
        return " "
    category = unicodedata.category(letter)
    if category == "Cs":
        return REPLACEMENT
    return "" if category == "Cc" or letter in _DIRECTIONS else letter

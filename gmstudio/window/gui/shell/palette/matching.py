"""How well an entry matches what was typed.

Every word that was typed has to be found, in the title or in what else is known of the entry: as its beginning, at the
beginning of a word, inside, as initials, or as letters in this order with others between, the first of them at the
beginning of a word. Found earlier in this list means a higher score, and so does a match that covers more of the
title.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

START, WORD, INSIDE = 100.0, 90.0, 60.0
REST_WORD, REST = 50.0, 40.0
INITIALS, SCATTERED = 45.0, 10.0
COVERAGE = 10.0
"""Added for a match that is the whole title."""
COMPACT = 25.0
"""Added for scattered letters that have nothing between them."""
MAX_SPREAD = 3
"""Scattered letters may stretch over this many times their number; else nearly everything would match."""
WHOLE = 30.0
"""Added when the title begins with all that was typed."""


@dataclass(frozen=True, slots=True)
class Text:
    """Searched text of an entry, in lower case.

    Args:
        title: its name.
        rest: what else is known of it.
    """

    title: str
    rest: str

    @staticmethod
    def of(title: str, *rest: str) -> "Text":
        """Fold the case of a title and of other texts."""
        return Text(title.casefold(), " ".join(rest).casefold())


class Query:
    """What was typed, prepared for many comparisons.

    Args:
        text: words with blanks between; their order does not matter.
    """

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.casefold().split())
        self.words = tuple(self.text.split())

    def score(self, text: Text) -> float:
        """Score of an entry, higher is better; 0 when it does not match, 1 when nothing was typed."""
        if not self.words:
            return 1.0
        total = WHOLE if text.title.startswith(self.text) else 0.0
        for word in self.words:
            found = word_score(word, text)
            if not found:
                return 0.0
            total += found
        return total / len(self.words)


def word_score(word: str, text: Text) -> float:
    """Score of one word, 0 when it is not found."""
    title = text.title
    at = title.find(word)
    if at >= 0:
        base = START if at == 0 else WORD if _begins_word(title, word, at) else INSIDE
        return base + COVERAGE * len(word) / len(title)
    at = text.rest.find(word)
    if at >= 0:
        return REST_WORD if _begins_word(text.rest, word, at) else REST
    if len(word) < 2:
        return 0.0
    initials, scattered = _patterns(word)
    if initials.search(title):
        return INITIALS
    spans = [match.end() - match.start() for match in scattered.finditer(title)]
    if not spans or min(spans) > MAX_SPREAD * len(word):
        return 0.0
    return SCATTERED + COMPACT * len(word) / min(spans)


def _begins_word(text: str, word: str, at: int) -> bool:
    """Find out whether a word stands at the beginning of one anywhere in the text."""
    while at >= 0:
        if at == 0 or not text[at - 1].isalnum():
            return True
        at = text.find(word, at + 1)
    return False


@lru_cache(maxsize=256)
def _patterns(word: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of a word's letters as initials of successive words, and in their order with others between."""
    letters = [re.escape(letter) for letter in word]
    initials = r"(?<!\w)" + r"\w*\W+".join(letters)
    scattered = r"(?<!\w)" + "".join([letters[0], *(f"[^{letter}]*{letter}" for letter in letters[1:])])
    return re.compile(initials), re.compile(scattered)

"""Search of runs: words, and conditions such as ``tag:x``, ``family:vae``, ``status:failed`` or ``is:starred``."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from gmstudio.protocol.runs import RunInfo

_TERM = re.compile(r'(-?)(?:([a-z]+):)?(?:"([^"]*)"?|(\S+))')
_CONDITIONS: dict[str, Callable[[RunInfo], tuple[str, ...]]] = {
    "tag": lambda info: info.tags,
    "family": lambda info: (info.spec.family, info.family_title),
    "data": lambda info: (info.spec.data, info.data_label),
    "status": lambda info: (info.status,),
    "name": lambda info: (info.name, info.label, info.run),
    "note": lambda info: (info.note,),
    "parent": lambda info: (info.origin.run if info.origin is not None else "",),
}
_KINDS: dict[str, Callable[[RunInfo], bool]] = {
    "starred": lambda info: info.starred,
    "archived": lambda info: info.archived,
    "example": lambda info: info.example,
    "tagged": lambda info: bool(info.tags),
    "branch": lambda info: info.origin is not None,
    "trained": lambda info: bool(info.checkpoint_steps),
}
CONDITIONS = (*_CONDITIONS, "is")
KINDS = tuple(_KINDS)
_UNFINISHED = ("-", *(f"{key}:" for key in CONDITIONS))


@dataclass(frozen=True)
class Term:
    """One condition of a search.

    Args:
        key: one of ``CONDITIONS``; empty: a word that may stand anywhere in the description of a run.
        value: in lower case.
        excluded: runs that fulfil it are left out.
    """

    key: str
    value: str
    excluded: bool = False


class RunQuery:
    """Conditions that a run must fulfil, all of them.

    Words are found anywhere in name, label, family, data, tags, note, settings and folder; ``key:value`` compares one
    of ``CONDITIONS``: a tag as a whole, the others in part. A minus excludes; quotation marks hold words together. An
    unknown key is a word like others, and a key without a value, which is still being typed, is no condition.

    Args:
        text: as it was typed.

    Attributes:
        terms: the conditions.
    """

    def __init__(self, text: str) -> None:
        self.terms: tuple[Term, ...] = tuple(
            term for found in _TERM.finditer(text.lower()) if (term := _term(found)) is not None
        )

    @property
    def wants_archived(self) -> bool:
        """The search is for archived runs, which are then not left out."""
        return Term("is", "archived") in self.terms

    def accepts(self, info: RunInfo, words: str) -> bool:
        """Return whether a run fulfils all conditions.

        Args:
            info: description of the run.
            words: its ``words_of``.
        """
        return all(_fulfils(info, words, term) != term.excluded for term in self.terms)


def words_of(info: RunInfo) -> str:
    """Return all that words are found in, in lower case."""
    origin = info.origin.run if info.origin is not None else ""
    parts = (
        info.name,
        info.label,
        info.family_title,
        info.spec.family,
        info.data_label,
        info.spec.data,
        info.status,
        info.note,
        info.message,
        *info.tags,
        *info.differing,
        info.run,
        origin,
    )
    return "\n".join(filter(None, parts)).lower()


def _term(found: re.Match[str]) -> Term | None:
    minus, key, quoted, plain = found.groups()
    value = plain if quoted is None else quoted
    if key is None and plain in _UNFINISHED:
        return None
    if key is not None and key not in CONDITIONS:
        value, key = f"{key}:{value}", None
    return Term(key or "", value, bool(minus)) if value else None


def _fulfils(info: RunInfo, words: str, term: Term) -> bool:
    if term.key == "":
        return term.value in words
    if term.key == "is":
        return any(test(info) for kind, test in _KINDS.items() if kind.startswith(term.value))
    values = (value.lower() for value in _CONDITIONS[term.key](info))
    if term.key == "tag":
        return term.value in values
    return any(term.value in value for value in values)

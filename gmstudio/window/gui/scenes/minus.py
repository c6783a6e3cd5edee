"""Minus signs of numbers in texts."""

import re

_HYPHEN = re.compile(r"(?<![\w.)\]-])-(?=\.?\d)")


def with_minus(text: str) -> str:
    """Return a text whose negative numbers have a minus sign in place of a hyphen, as tables and axes have.

    Exponents (``1e-05``), ranges (``10-20``) and names stay as they are.
    """
    return _HYPHEN.sub("\N{MINUS SIGN}", text)

"""Bytes that the content of edits holds."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

import msgspec
import numpy as np

LEAST_BYTES = 1024
"""Texts and raw bytes below this size are not counted."""


def array_sizes(content: object) -> dict[int, int]:
    """Return identity → bytes of each array, and each long text, in snapshots; what is shared is counted once.

    Args:
        content: arrays, and tuples, lists, sets, mappings, dataclasses and structs of them; anything else has no size.
    """
    return dict(_sizes(content))


def _sizes(content: object) -> Iterator[tuple[int, int]]:
    if isinstance(content, np.ndarray):
        whole = content.base if isinstance(content.base, np.ndarray) else content  # a view keeps the whole array
        yield id(whole), whole.nbytes
    elif isinstance(content, str | bytes):
        if len(content) >= LEAST_BYTES:
            yield id(content), len(content)
    else:
        for part in _parts(content):
            yield from _sizes(part)


def _parts(content: object) -> Iterator[object]:
    if isinstance(content, Mapping):
        yield from content.values()
    elif isinstance(content, tuple | list | frozenset | set):
        yield from content
    elif isinstance(content, msgspec.Struct):
        yield from (getattr(content, name) for name in content.__struct_fields__)
    elif is_dataclass(content) and not isinstance(content, type):
        yield from (getattr(content, item.name) for item in fields(content))

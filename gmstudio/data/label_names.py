"""Names of labels, and the choice of classes by number, range or name."""

import re
import string

from gmstudio.protocol.config import ConfigError

MAX_LABEL = 255
_RANGE = re.compile(r"([0-9]{1,6})(?:\s*-\s*([0-9]{1,6}))?")

_FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_HIRAGANA = tuple("おきすつなはまやれを")
_MERGED = (*string.digits, *string.ascii_uppercase, *"abdefghnqrt")  # the letters whose two cases look different
_BY_SET: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("fashion", _FASHION),
    ("kmnist", _HIRAGANA),
    ("emnist-letters", ("–", *string.ascii_lowercase)),  # counts from 1
    ("emnist-balanced", _MERGED),
    ("emnist-bymerge", _MERGED),
    ("emnist-byclass", (*string.digits, *string.ascii_uppercase, *string.ascii_lowercase)),
)


def label_names(set_name: str, max_label: int) -> tuple[str, ...]:
    """Names of the labels of the known sets; the numbers themselves for others.

    Args:
        set_name: as ``IdxSet.name``; ``FashionMNIST``, ``emnist-letters`` and so on are known.
        max_label: the largest label there is; −1 when there are none.

    Source: the sets' own documentation; EMNIST: G. Cohen et al., arXiv 1702.05373, section II.
    """
    name = re.sub("[-_. /]+", "-", set_name.lower())
    for key, names in _BY_SET:
        if key in name and 0 <= max_label < len(names):
            return names
    return tuple(str(label) for label in range(max_label + 1))


def chosen_labels(text: str, names: tuple[str, ...]) -> tuple[int, ...]:
    """Parse a list of labels: ``3,8``, ``0-4``, ``Coat, Ankle boot``; rising.

    Raises:
        ConfigError: for an unknown name or number.
    """
    chosen: set[int] = set()
    for item in filter(None, (part.strip() for part in text.split(","))):
        match = _RANGE.fullmatch(item)
        if match:
            first, last = int(match[1]), int(match[2] or match[1])
            chosen.update(range(first, min(last, len(names) - 1) + 1))
            known = first <= last < len(names)
        else:
            same = [label for label, name in enumerate(names) if name == item]
            alike = [label for label, name in enumerate(names) if name.casefold() == item.casefold()]
            chosen.update(same or alike)
            known = bool(alike)
        if not known:
            raise ConfigError({"classes": f"Include classes has {item!r}; there are {_listing(names)}."})
    return tuple(sorted(chosen))


def _listing(names: tuple[str, ...]) -> str:
    if names == tuple(str(label) for label in range(len(names))):
        return f"the labels 0 to {len(names) - 1}"
    return ", ".join(f"{label} ({name})" for label, name in enumerate(names))

"""Roles of arrays by the names people give them, such as ``x_train``, ``test_labels``, ``Xval`` and ``arr_1``."""

import re
from dataclasses import dataclass

from gmstudio.protocol.data import SplitName

_SPLIT_WORDS: dict[str, SplitName] = {
    "training": "train",
    "train": "train",
    "validation": "valid",
    "valid": "valid",
    "val": "valid",
    "dev": "valid",
    "testing": "test",
    "test": "test",
    "t10k": "test",
    "tr": "train",
    "va": "valid",
    "te": "test",
}
_SHORT = ("tr", "va", "te", "dev")  # only as a whole word, or beside x and y
_LABEL_WORDS = {"y", "t", "label", "labels", "lab", "labs", "lbl", "target", "targets", "class", "classes", "gt"}
_IMAGE_WORDS = {"x", "image", "images", "img", "imgs", "data", "pixels", "features", "inputs", "digits", "arr0", ""}


@dataclass(frozen=True)
class Role:
    """What the name of an array says.

    Args:
        split: the split that is named, or None.
        key: the rest of the name, which arrays of one kind share; lower case.
    """

    split: SplitName | None
    key: str

    @property
    def is_labels(self) -> bool:
        """The name is one of labels."""
        words = self.key.split("_")
        return bool(words) and (words[-1] in _LABEL_WORDS or words[0] in ("y", "label", "labels", "target", "targets"))

    @property
    def is_images(self) -> bool:
        """The name is one of images."""
        return self.key.replace("_", "") in _IMAGE_WORDS or any(
            word in _IMAGE_WORDS - {""} for word in self.key.split("_")
        )


def role_of(name: str) -> Role:
    """Read an array's name: ``X_test`` → test and ``x``; ``trainLabels`` → train and ``labels``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    words = [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]
    split: SplitName | None = None
    kept: list[str] = []
    for word in words:
        found, rest = _split_word(word) if split is None else (None, word)
        split = found or split
        if rest:
            kept.append(rest)
    return Role(split, "_".join(kept))


def _split_word(word: str) -> tuple[SplitName | None, str]:
    """Split and rest of a word: ``xtrain`` → train, ``x``."""
    for known, split in _SPLIT_WORDS.items():
        if word == known:
            return split, ""
        if known in _SHORT and word not in ("x" + known, "y" + known):
            continue
        for whole in (word.startswith(known), word.endswith(known)):
            rest = word.replace(known, "", 1)
            if whole and (rest in _LABEL_WORDS or rest in _IMAGE_WORDS):
                return split, rest
    return None, word

"""Words for labels, and classes chosen by number, range or word."""

import pytest

from gmstudio.data.label_names import chosen_labels, label_names
from gmstudio.protocol.config import ConfigError

FASHION = label_names("FashionMNIST", 9)


@pytest.mark.parametrize(
    ("name", "max_label", "label", "word"),
    [
        ("MNIST", 9, 7, "7"),
        ("fashion", 9, 0, "T-shirt/top"),
        ("KMNIST", 9, 0, "お"),
        ("emnist-letters", 26, 26, "z"),
        ("old/emnist-balanced", 46, 36, "a"),
        ("emnist-byclass", 61, 61, "z"),
        ("emnist-digits", 9, 9, "9"),
        ("fashion", 12, 12, "12"),
    ],
)
def test_known_sets_have_names(name: str, max_label: int, label: int, word: str) -> None:
    assert label_names(name, max_label)[label] == word


def test_without_labels_there_are_no_names() -> None:
    assert label_names("fashion", -1) == ()


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("3,8", (3, 8)),
        (" 8 , 3,3,", (3, 8)),
        ("0-3,2 - 4", (0, 1, 2, 3, 4)),
        ("coat", (4,)),
        ("Ankle boot, t-shirt/TOP, 1", (0, 1, 9)),
    ],
)
def test_classes_are_chosen(text: str, labels: tuple[int, ...]) -> None:
    assert chosen_labels(text, FASHION) == labels


def test_upper_and_lower_case_letters_are_distinguished() -> None:
    names = label_names("emnist-byclass", 61)
    assert [names[label] for label in chosen_labels("a", names)] == ["a"]
    assert [names[label] for label in chosen_labels("A", names)] == ["A"]


@pytest.mark.parametrize("text", ["10", "3-10", "5-3", "-1", "hat", "3;8", "0-999999", "9" * 5000, "٣"])
def test_what_is_no_label_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"there are 0 \(T-shirt/top\), 1 \(Trouser\)"):
        chosen_labels(text, FASHION)


def test_labels_beyond_those_of_a_byte_can_be_chosen() -> None:
    names = tuple(f"class {label}" for label in range(1000))
    assert chosen_labels("299-301, class 999", names) == (299, 300, 301, 999)
    with pytest.raises(ConfigError):
        chosen_labels("998-1000", names)

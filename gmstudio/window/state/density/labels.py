"""Labels as they are typed: ``0-4, 7``."""


def parse_labels(text: str) -> tuple[int, ...]:
    """Read labels and ranges of them, separated by commas; empty: all labels.

    Raises:
        ValueError: naming what is no label, with an example.
    """
    labels: set[int] = set()
    for part in filter(None, (part.strip() for part in text.replace("–", "-").split(","))):
        first, dash, last = (side.strip() for side in part.partition("-"))
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"“{part}” is no label; write numbers and ranges, for example 0-4, 7.")
        low, high = int(first), int(last or first)
        if high < low or high > 9999:
            raise ValueError(f"{part} is no range of labels; write the smaller number first, at most 9999.")
        labels.update(range(low, high + 1))
    return tuple(sorted(labels))


def labels_text(labels: tuple[int, ...]) -> str:
    """Write labels, three or more consecutive ones as a range."""
    parts: list[str] = []
    rest = list(labels)
    while rest:
        run = 1
        while run < len(rest) and rest[run] == rest[0] + run:
            run += 1
        parts += [f"{rest[0]}-{rest[run - 1]}"] if run > 2 else [str(label) for label in rest[:run]]
        rest = rest[run:]
    return ", ".join(parts)

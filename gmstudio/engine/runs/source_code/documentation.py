"""Documentation of functions without what they do not have any more."""

from collections.abc import Callable


def without_arguments(documentation: str, is_dropped: Callable[[str], bool]) -> str:
    """Return documentation without the lines on some arguments, and without a heading that nothing is left of."""
    made: list[str] = []
    heading = skipped = -1
    for line in documentation.split("\n"):
        indent = len(line) - len(line.lstrip())
        if line.strip() == "Args:":
            heading = indent
        elif heading >= 0 and line.strip() and indent <= heading:
            heading = skipped = -1
        elif heading >= 0 and line.strip() and (skipped < 0 or indent <= skipped):
            skipped = indent if is_dropped(line.strip().partition(":")[0]) else -1
        if skipped < 0 or not line.strip():
            made.append(line)
    return _without_empty_heading(made)


def without_section(documentation: str, heading: str) -> str:
    """Return documentation without a section, for example ``Raises:``."""
    made: list[str] = []
    inside = -1
    for line in documentation.split("\n"):
        indent = len(line) - len(line.lstrip())
        if line.strip() == heading:
            inside = indent
        elif inside >= 0 and line.strip() and indent <= inside:
            inside = -1
        if inside < 0 or (not line.strip() and not made[-1].strip()):
            made.append(line)
    while len(made) > 1 and not made[-1].strip():
        made.pop()
    return "\n".join(made) + ("\n    " if len(made) > 1 else "")


def _without_empty_heading(lines: list[str]) -> str:
    made = []
    for number, line in enumerate(lines):
        following = next((one for one in lines[number + 1 :] if one.strip()), "")
        depth = len(line) - len(line.lstrip())
        if line.strip() == "Args:" and len(following) - len(following.lstrip()) <= depth:
            continue
        made.append(line)
    text = "\n".join(made)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    first, newline, rest = text.partition("\n")
    return first if not rest.strip() else first + newline + rest

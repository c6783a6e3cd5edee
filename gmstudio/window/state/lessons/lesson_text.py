"""Format of a lesson: Markdown with a head, and steps that name what they open, set, highlight and show.

::

    ---
    title: Likelihood and divergence
    audience: Readers who know what a probability is.
    minutes: 20
    ---

    ## First step

    Text with formulas between dollar signs.

    ```lesson
    panel: labs
    lab: likelihood
    set: labs.config.view = identity
    highlight: labs.scene
    show: labs.action.step_100
    ```

``panel`` is needed; ``lab`` (of the Foundations panel) and ``family`` (whose ready model the panel shows, or which is
chosen for training) may stand once; ``set``, ``highlight`` and ``show`` any number of times, in this order of effect.
Controls are called by their object names. Anything else is an error: a lesson that is not understood is not shown.
"""

import json
import re
from dataclasses import dataclass

FENCE = re.compile(r"^```lesson\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^## +(.+?)\s*$", re.MULTILINE)
ONCE = ("panel", "lab", "family")
OFTEN = ("set", "highlight", "show")
HEAD = ("title", "audience", "minutes")

Value = str | int | float | bool


class LessonError(ValueError):
    """A lesson that is not written as lessons are; the message names file, step and remedy."""


@dataclass(frozen=True)
class Setting:
    """Value that a step gives to a control."""

    control: str
    value: Value


@dataclass(frozen=True)
class Step:
    """Step of a lesson.

    Args:
        title: heading.
        text: Markdown with formulas.
        panel: panel that it opens.
        lab: laboratory that it opens there; empty: none.
        family: family whose ready model the panel shows, or which Train proposes; empty: as it is.
        settings: values that it gives to controls.
        highlights: object names of controls that it outlines.
        shows: object names of buttons that *Show me* presses, one after the other.
    """

    title: str
    text: str
    panel: str
    lab: str = ""
    family: str = ""
    settings: tuple[Setting, ...] = ()
    highlights: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lesson:
    """Guided tour.

    Args:
        name: of its file, without the ending.
        title: heading.
        audience: whom it is for, one sentence.
        minutes: time that it takes.
        steps: at least one.
    """

    name: str
    title: str
    audience: str
    minutes: int
    steps: tuple[Step, ...]


def parse_lesson(name: str, text: str) -> Lesson:
    """Parse a lesson.

    Args:
        name: of its file.
        text: the file.

    Raises:
        LessonError: for a head, step or directive that is not as the module says.
    """
    head, body = _split_head(name, text)
    unknown = sorted(set(head) ^ set(HEAD))
    if unknown:
        raise LessonError(
            f"{name}: the head has {', '.join(HEAD)}, each once; {', '.join(unknown)} is missing or unknown."
        )
    if not head["minutes"].isdigit():
        raise LessonError(f"{name}: minutes: {head['minutes']!r} is no whole number.")
    starts = list(HEADING.finditer(body))
    if not starts or body[: starts[0].start()].strip():
        raise LessonError(
            f"{name}: each step begins with a heading of the second level, and nothing stands before the first."
        )
    ends = [start.start() for start in starts[1:]] + [len(body)]
    steps = tuple(_step(name, start[1], body[start.end() : end]) for start, end in zip(starts, ends, strict=True))
    return Lesson(name, head["title"], head["audience"], int(head["minutes"]), steps)


def _split_head(name: str, text: str) -> tuple[dict[str, str], str]:
    parts = text.split("---\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise LessonError(f"{name}: a lesson begins with a head between two lines of ---.")
    return dict(_pairs(name, "head", parts[1])), parts[2]


def _pairs(name: str, where: str, lines: str) -> list[tuple[str, str]]:
    pairs = []
    for line in filter(None, (line.strip() for line in lines.splitlines())):
        key, colon, value = line.partition(":")
        if not colon or not value.strip():
            raise LessonError(f"{name}: {where}: {line!r} is not written as key: value.")
        pairs.append((key.strip(), value.strip()))
    return pairs


def _step(name: str, title: str, body: str) -> Step:
    fences = FENCE.findall(body)
    text = FENCE.sub("", body).strip()
    if len(fences) != 1 or not text:
        raise LessonError(f"{name}: {title}: a step has a text and one block of directives, not {len(fences)}.")
    pairs = _pairs(name, title, fences[0])
    for key, _ in pairs:
        if key not in ONCE + OFTEN:
            raise LessonError(f"{name}: {title}: {key} is no directive; known are {', '.join(ONCE + OFTEN)}.")
    once = {key: [value for other, value in pairs if other == key] for key in ONCE}
    twice = [key for key, values in once.items() if len(values) > 1]
    if twice or not once["panel"]:
        raise LessonError(f"{name}: {title}: {twice[0] if twice else 'panel'} stands exactly once.")
    often = {key: tuple(value for other, value in pairs if other == key) for key in OFTEN}
    return Step(
        title=title,
        text=text,
        panel=once["panel"][0],
        lab="".join(once["lab"]),
        family="".join(once["family"]),
        settings=tuple(_setting(name, title, value) for value in often["set"]),
        highlights=often["highlight"],
        shows=often["show"],
    )


def _setting(name: str, title: str, text: str) -> Setting:
    control, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not control or not value:
        raise LessonError(f"{name}: {title}: set: {text!r} is not written as control = value.")
    return Setting(control, _value(value))


def _value(text: str) -> Value:
    """Number, true or false, or a text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str | int | float | bool) else text

"""The format of lessons is strict."""

import pytest

from gmstudio.window.state.lessons.lesson_text import LessonError, Setting, parse_lesson

HEAD = "---\ntitle: Tour\naudience: Everybody.\nminutes: 5\n---\n"
STEP = """
## First

Text with $x^2$.

```lesson
panel: labs
lab: joint
set: labs.config.order = 4321
set: labs.config.example = image
set: labs.follow = true
highlight: labs.scene
show: labs.action.draw
```
"""


def test_a_step_names_what_it_opens_sets_outlines_and_shows() -> None:
    lesson = parse_lesson("tour", HEAD + STEP + STEP.replace("First", "Second"))
    assert (lesson.name, lesson.title, lesson.audience, lesson.minutes) == ("tour", "Tour", "Everybody.", 5)
    assert [step.title for step in lesson.steps] == ["First", "Second"]
    step = lesson.steps[0]
    assert (step.text, step.panel, step.lab, step.family) == ("Text with $x^2$.", "labs", "joint", "")
    assert step.settings == (
        Setting("labs.config.order", 4321),
        Setting("labs.config.example", "image"),
        Setting("labs.follow", True),
    )
    assert (step.highlights, step.shows) == (("labs.scene",), ("labs.action.draw",))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no head", "begins with a head"),
        (HEAD.replace("minutes: 5", "minutes: five") + STEP, "'five' is no whole number"),
        (HEAD.replace("audience", "readers") + STEP, "audience, readers is missing or unknown"),
        (HEAD + "text\n" + STEP, "heading of the second level"),
        (HEAD, "heading of the second level"),
        (HEAD + STEP.replace("panel: labs\n", ""), "First: panel stands exactly once"),
        (HEAD + STEP.replace("lab: joint", "lab: joint\nlab: game"), "First: lab stands exactly once"),
        (HEAD + STEP.replace("highlight", "hilight"), "hilight is no directive"),
        (HEAD + STEP.replace("panel: labs", "panel"), "'panel' is not written as key: value"),
        (HEAD + STEP.replace(" = 4321", ""), "not written as control = value"),
        (HEAD + STEP.replace("Text with $x^2$.\n", ""), "a step has a text"),
        (HEAD + "\n## First\n\nText.\n", "one block of directives, not 0"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(LessonError, match=words):
        parse_lesson("tour", text)

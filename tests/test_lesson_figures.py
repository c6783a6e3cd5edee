"""Figures of ready models that the lessons name are those that were measured."""

import json
import re

import pytest

from gmstudio.system.resources import resource_path

FIGURES = (
    ("chain-rule", "163.4", "markov", "nats"),
    ("chain-rule", "100.1", "made", "nats"),
    ("chain-rule", "63.8", "pixelcnn", "nats"),
    ("good-model", "163.4", "markov", "nats"),
    ("good-model", "115.4", "nade", "nats"),
    ("good-model", "100.1", "made", "nats"),
    ("good-model", "98.2", "fvbn", "nats"),
    ("good-model", "110.2", "vae", "nats"),
    ("good-model", "0.85", "gan", "samples_recall"),
    ("good-model", "0.61", "gsn", "samples_recall"),
    ("good-model", "0.98", "gsn", "samples_precision"),
    ("bound", "110.2", "vae", "nats"),
    ("game", "0.90", "gan", "samples_precision"),
    ("game", "0.85", "gan", "samples_recall"),
    ("game", "0.93", "gan", "samples_coverage"),
    ("flows-and-diffusion", "2.16", "realnvp", "bits_per_dim"),
    ("flows-and-diffusion", "0.2", "made", "bits_per_dim"),
    ("flows-and-diffusion", "0.588", "ddpm", "bits_per_dim"),
)
"""Lesson, figure as it is written, ready model, measure."""
COMPUTED = {"chain-rule": {"63.2"}, "game": {"1.386", "0.693"}, "good-model": {"0.99", "0.01", "4.6"}}
"""Numbers that follow from others: a difference; -log 4 and log 2; a share of noise and what it costs, in nats."""
DECIMAL = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.]*\d)")


@pytest.mark.parametrize(("lesson", "written", "model", "measure"), FIGURES)
def test_a_figure_is_the_measured_one(lesson: str, written: str, model: str, measure: str) -> None:
    test = json.loads(resource_path("examples/figures.json").read_text(encoding="utf-8"))[model]["test"]
    measured = {**test, **test.get("shares", {})}[measure]
    assert f"{measured:.{len(written.partition('.')[2])}f}" == written
    assert written in DECIMAL.findall(text_of(lesson))


@pytest.mark.parametrize("lesson", sorted(path.stem for path in resource_path("lessons").glob("*.md")))
def test_every_number_of_a_lesson_is_measured_or_computed(lesson: str) -> None:
    known = {written for name, written, _model, _measure in FIGURES if name == lesson} | COMPUTED.get(lesson, set())
    assert set(DECIMAL.findall(text_of(lesson))) <= known


def text_of(lesson: str) -> str:
    """Text of a lesson without its settings."""
    text = resource_path(f"lessons/{lesson}.md").read_text(encoding="utf-8")
    return re.sub(r"```lesson\n.*?```", "", text, flags=re.DOTALL)

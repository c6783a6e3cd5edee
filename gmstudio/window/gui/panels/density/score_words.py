"""Scores in words: numbers, kinds, progress."""

import math

import numpy as np

from gmstudio.protocol.density import ScoreKind, ScoreProgress, ScoresComputed
from gmstudio.window.gui.progress_text import progress_words, rate_words

CHIPS: dict[ScoreKind, tuple[str, str]] = {
    "exact": ("exact", "good"),
    "lower bound": ("bound", "warning"),
    "estimate": ("estimate", "accent"),
    "value": ("value", "muted"),
}
"""Kind → its word, and the role of its colour."""
NO_NUMBER = "–"


def number_text(value: float, digits: int = 2) -> str:
    """Write a number for a table, with a proper minus; a dash where there is none."""
    if math.isnan(value):
        return NO_NUMBER
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value and abs(value) < 10.0**-digits:
        return f"{value:.2g}".replace("-", "−")
    return f"{value:,.{digits}f}".replace("-", "−")


def caption_text(value: float) -> str:
    """Write a score below an image, in few digits."""
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    return number_text(value, digits)


def scoring_text(progress: ScoreProgress, name: str, done: int, total: int) -> str:
    """Describe scoring: stage, images, rate, time left, what was kept from before, and the model of several.

    Args:
        progress: on the present set.
        name: of its model.
        done: sets that are done.
        total: sets in all.
    """
    parts = [
        name if total == 1 else "",
        progress_words(progress.stage or "scoring", progress.done, progress.total, "images"),
    ]
    parts.append(rate_words(progress.rate, "images", progress.seconds_left))
    if progress.kept:
        parts.append(f"{progress.kept:,} kept from before")
    if total > 1:
        parts.append(f"{done + 1} of {total}: {name}")
    return " · ".join(filter(None, parts))


def order_text(result: ScoresComputed | None, count: int, name: str, *, likeliest_first: bool) -> str:
    """Describe the order of the images, and warn of scores that are not finite.

    Args:
        result: scores that order them; None: there are none yet.
        count: number of images.
        name: of the model.
        likeliest_first: the most likely images come first.
    """
    if result is None:
        return f"{count:,} images in their own order" if count else ""
    first, last = ("most", "least") if likeliest_first else ("least", "most")
    word = "likely" if result.statistic.name == "log_prob" else "typical"
    missing = int(np.count_nonzero(~np.isfinite(result.values.numpy()))) if result.done else 0
    parts = [f"{count:,} images, {first} to {last} {word} under {name}"]
    parts += [f"{missing:,} without a finite score at the end"] if missing else []
    return " · ".join([*parts, *result.warnings])

"""Titles of runs side by side, by what differs between them."""

from collections.abc import Callable, Sequence

from gmstudio.protocol.plane import PlaneOpened
from gmstudio.protocol.runs import RunInfo
from gmstudio.window.gui.run_text import run_name, started_text
from gmstudio.window.state.plane.surfaces import Surface


def tile_titles(infos: Sequence[RunInfo | None]) -> list[str]:
    """Shortest of these texts in which all runs differ: family, name or label, that with its start.

    Args:
        infos: descriptions of the runs; None for one that is not listed yet.
    """
    forms: tuple[Callable[[RunInfo], str], ...] = (
        lambda info: info.name or info.family_title.partition(" (")[0],
        lambda info: info.name or info.family_title,
        run_name,
        lambda info: f"{run_name(info)} · {started_text(info)}",
    )
    titles: list[str] = []
    for form in forms:
        titles = [form(info) if info is not None else "…" for info in infos]
        if len(set(titles)) == len(titles):
            break
    return titles


def method_badge(opened: PlaneOpened | None, surface: Surface | None) -> tuple[str, str]:
    """Computation of p(x) in a few words, and shorter; empty before it is known."""
    method = surface.method if surface is not None else opened.method if opened is not None else None
    if surface is not None and surface.method is None:
        return "no density", "no density"
    long = {"histogram": "histogram of samples"}
    short = {"importance weighting": "importance w."}
    return (long.get(method, method), short.get(method, method)) if method is not None else ("", "")

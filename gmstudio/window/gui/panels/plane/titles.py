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


def method_badges(opened: PlaneOpened | None, surface: Surface | None) -> list[str]:
    """Computation of p(x) and step of the weights in a few words, the longest form first; empty before it is known."""
    method = surface.method if surface is not None else opened.method if opened is not None else None
    if method is None:
        return ["no density" if surface is not None else ""]
    long = "histogram of samples" if method == "histogram" else method
    step = f" · step {surface.step:,}" if surface is not None else ""
    return [long + step, method + step, method]

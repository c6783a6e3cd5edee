"""Progress bars of imports and downloads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gmstudio.cli.terminal import new_console
from gmstudio.protocol.plain_text import plain_text


@contextmanager
def following(to_stderr: bool) -> Iterator[Callable[[Any], None]]:
    """Show a bar that follows the progress of an import or a download.

    Args:
        to_stderr: leave stdout to a document.

    Yields:
        What takes each ``Progress`` or ``DownloadProgress``.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, markup=False, emoji=False, highlight=False) if to_stderr else new_console()
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None, detail="")
        shown = ""

        def follow(item: Any) -> None:
            nonlocal shown
            title, detail = _words(item)
            if title != shown:
                bar.reset(task, description=title, total=item.total or None, detail=detail)
                shown = title
            bar.update(task, completed=item.done, total=item.total or None, detail=detail)

        yield follow


def _words(item: Any) -> tuple[str, str]:
    """Title and detail of an item of progress."""
    from gmstudio.data.downloading import DownloadProgress
    from gmstudio.data.progress import STAGE_TITLES

    if isinstance(item, DownloadProgress):
        title = {"download": "Downloading", "verify": "Verifying", "unpack": "Unpacking"}[item.stage]
        remark = f"; {item.remark}" if item.remark else ""
        detail = f"{item.done / 1e6:,.1f} of {item.total / 1e6:,.1f} MB, {item.file} {item.server}{remark}"
        return title, plain_text(detail)
    bad = f", {item.bad:,} bad" if item.bad else ""
    counted = "" if item.stage == "read" else f"{item.done:,}{f' of {item.total:,}' if item.total else ''}"
    return STAGE_TITLES[item.stage], f"{counted}{bad}"

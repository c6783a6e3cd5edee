"""Writing of films, strips and pictures of frames as files, one at a time, in a thread."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

from PySide6.QtCore import QObject, Signal

from gmstudio.media.writing import NO_FFMPEG, ffmpeg_path
from gmstudio.window.client.background_task import Background

Writing = Callable[[Callable[[], bool]], str]
"""Writes a file, unless it is stopped, and returns its path."""


class FilmFiles(QObject):
    """Base of what writes one file at a time, in a thread; a subclass has ``suffixes``, ``missing`` and ``writing``.

    Attributes:
        suffixes: content of a file, ``mp4`` where it is one → suffix of its name.
        message: path of the file that was written last, or the reason why there is none, in a sentence; "" before.
        failed: the message is a reason.

    Signals:
        changed: the message, or ``busy``, changed.
    """

    suffixes: ClassVar[Mapping[str, str]]
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.message, self.failed = "", False
        self._background = Background(self)
        self._background.done.connect(lambda path: self._report(f"Written: {path}"))
        self._background.failed.connect(lambda problem: self._report(problem, failed=True))

    @property
    def busy(self) -> bool:
        """A file is being written."""
        return self._background.busy

    def missing(self) -> str:
        """Reason why nothing can be written now; "": it can."""
        raise NotImplementedError

    def writing(self, content: str, target: Path) -> Writing:
        """What writes a file of that content, with all that it needs as it is now."""
        raise NotImplementedError

    def problem(self, content: str) -> str:
        """Reason why nothing of this kind can be written now; "": it can."""
        return self.missing() or (NO_FFMPEG if content == "mp4" and not ffmpeg_path() else "")

    def start(self, content: str, path: str) -> None:
        """Write a file; the end of its name is completed, and one under way is given up."""
        target, suffix = Path(path), f".{self.suffixes[content]}"
        if target.suffix.lower() != suffix:
            target = target.with_name(target.name + suffix)
        if problem := self.problem(content):
            self._report(problem, failed=True)
            return
        self._background.start(self.writing(content, target))
        self._report(f"Writing {target.name} …")

    def _report(self, message: str, *, failed: bool = False) -> None:
        self.message, self.failed = message, failed
        self.changed.emit()

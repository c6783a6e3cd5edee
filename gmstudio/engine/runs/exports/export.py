"""Base of the forms of export: what is written, and for which runs."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gmstudio.engine.runtime.models import Loaded
from gmstudio.protocol.runs_exports import ExportForm
from gmstudio.runs.folder import RunFolder


@dataclass(frozen=True)
class ExportSource:
    """Run that is exported.

    Args:
        run: its folder, open for reading.
        load: returns its model in evaluation mode, with the weights that are explored.
    """

    run: RunFolder
    load: Callable[[], Loaded]


class Export(ABC):
    """Base of the forms; a module of this package defines one or more subclasses, which are found by themselves."""

    form: ClassVar[ExportForm]
    order: ClassVar[int] = 100
    """Place in menus; equal ones are sorted by name."""
    needs_model: ClassVar[bool] = True
    """Something of the model is exported, so that its family and settings must be known here."""
    place: Path | None = None
    """Path that the target will have; ``pieces`` writes under a temporary one."""

    @classmethod
    def reason(cls, run: RunFolder) -> str:
        """Return why a run cannot be exported in this form, one sentence; empty: it can.

        Args:
            run: its folder, open for reading. Neither load nor build its model: ask the family's class.
        """
        return ""

    @abstractmethod
    def pieces(self, source: ExportSource, target: Path) -> Iterator[float]:
        """Write the file or folder, yielding the share that is done (0 to 1) after each small piece.

        Args:
            source: the run.
            target: a new file, or an empty folder that exists; it is put in its place when all is written.

        Raises:
            RunError: when the run cannot be read.
            OSError: when a file cannot be written.
        """

    def reuse(self, other: "Export") -> bool:
        """Take what another form has computed for the same run; called before ``pieces``.

        Returns:
            Whether it was of use.
        """
        return False

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on what could not be exported, after ``pieces``."""
        return ()

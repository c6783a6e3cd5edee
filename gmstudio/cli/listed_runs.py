"""Choice and order of the runs that ``gmstudio runs`` lists: the search of the window's library, and filters."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gmstudio.protocol.run_query import RunQuery, words_of

if TYPE_CHECKING:
    from gmstudio.protocol.families import FamilyEntry
    from gmstudio.protocol.runs import RunInfo
    from gmstudio.runs.library import RunSummary

Sort = Literal["newest", "oldest", "name", "data", "bits", "steps", "status"]
DAMAGED = "damaged"
_KEYS: dict[str, Callable[["RunInfo"], Any]] = {
    "oldest": lambda info: info.created,
    "name": lambda info: info.title.casefold(),
    "data": lambda info: info.data_label.casefold(),
    # Likelihoods compare on the same images only.
    "bits": lambda info: (
        info.data_label,
        info.data_digest,
        str(info.image),
        math.inf if info.best_bits is None else info.best_bits,
    ),
    "steps": lambda info: -info.step,
    "status": lambda info: info.status,
}


class ListedRun(NamedTuple):
    """A run of a list; a damaged one has no description."""

    summary: "RunSummary"
    info: "RunInfo | None"


@dataclass(frozen=True)
class RunFilter:
    """What a run must have to be listed, all of it.

    Args:
        find: search, see ``RunQuery``.
        tags: each as a whole.
        family: name or title, or a part of it.
        data: name or label, or a part of it.
        status: one of the statuses, or ``damaged``.
        archived: list archived runs, too.
        sort: order, one of ``Sort``; best bits/dim within the same images.
    """

    find: str = ""
    tags: tuple[str, ...] = ()
    family: str = ""
    data: str = ""
    status: str = ""
    archived: bool = False
    sort: Sort = "newest"

    def listed(
        self, summaries: "Sequence[RunSummary]", families: "Mapping[str, FamilyEntry]"
    ) -> tuple[list[ListedRun], int]:
        """Choose and sort runs.

        Args:
            summaries: of the runs, newest first.
            families: entries of the catalog.

        Returns:
            The runs, damaged ones at the end, and the number of archived ones that were left out.
        """
        query = RunQuery(self.find)
        runs = [ListedRun(summary, _described(summary, families)) for summary in summaries]
        runs = [run for run in runs if self._accepts(run, query)]
        shown = [r for r in runs if self.archived or query.wants_archived or r.info is None or not r.info.archived]
        whole = [(run.info, run) for run in shown if run.info is not None]
        if (key := _KEYS.get(self.sort)) is not None:
            whole.sort(key=lambda pair: key(pair[0]))
        return [*(run for _info, run in whole), *(run for run in shown if run.info is None)], len(runs) - len(shown)

    def _accepts(self, run: ListedRun, query: RunQuery) -> bool:
        info = run.info
        if self.status and run.summary.status != self.status.lower():
            return False
        if info is None:  # nothing is known by which it could be found
            return not (query.terms or self.tags or self.family or self.data)
        tags = {tag.casefold() for tag in info.tags}
        return (
            all(tag.casefold() in tags for tag in self.tags)
            and _in_part(self.family, info.spec.family, info.family_title)
            and _in_part(self.data, info.spec.data, info.data_label)
            and query.accepts(info, words_of(info))
        )


def _in_part(wanted: str, *values: str) -> bool:
    return any(wanted.casefold() in value.casefold() for value in values)


def _described(summary: "RunSummary", families: "Mapping[str, FamilyEntry]") -> "RunInfo | None":
    if summary.status == DAMAGED:
        return None
    from gmstudio.engine.runs.info import run_info
    from gmstudio.runs.names import name_of

    return run_info(name_of(summary.path), families, summary=summary)

"""Origin of a picture or table that several runs share, for the metadata of its file."""

from collections.abc import Mapping, Sequence

import msgspec

from gmstudio.media.provenance import MAX_TEXT, Provenance
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunInfo

PANEL = "runs"
"""Panel that shows these files again when they are dropped back."""
COMPARED = "Compared"
"""Keyword of the JSON array with one object for each run, in the order in which they are shown."""


class ComparedRun(msgspec.Struct, frozen=True, kw_only=True):
    """One of the runs in a file.

    Args:
        run: identity of the run.
        title: its title.
        created: start of the run, ISO 8601 in UTC.
        spec: complete settings.
        step: training step of the weights; −1: of no certain step.
        seed: of the noise; None: there is none.
    """

    run: str
    title: str
    created: str
    spec: RunSpec
    step: int = -1
    seed: int | None = None


def compared_origin(
    infos: Sequence[RunInfo],
    shows: str,
    details: Mapping[str, str],
    steps: Mapping[str, int] | None = None,
    seeds: Mapping[str, int] | None = None,
) -> Provenance:
    """Return the origin of a file: the first run as any other file has it, and all of them with their settings.

    Args:
        infos: of the runs.
        shows: kind of content.
        details: further keywords and texts.
        steps: run → training step of the weights; those that are missing are not of one step.
        seeds: run → seed of the noise.
    """
    steps, seeds = steps or {}, seeds or {}
    runs = tuple(
        ComparedRun(
            run=info.run,
            title=info.title,
            created=info.created,
            spec=info.spec,
            step=steps.get(info.run, -1),
            seed=seeds.get(info.run),
        )
        for info in infos
    )
    text = msgspec.json.encode(runs).decode()
    further = dict(details) | ({COMPARED: text} if runs and len(text) <= MAX_TEXT else {})
    if not infos:
        return Provenance(family="", run="", shows=shows, panel=PANEL, details=further)
    first = infos[0]
    return Provenance(
        family=first.spec.family,
        run=first.title,
        folder=first.run,
        created=first.created,
        step=steps.get(first.run, -1),
        seed=seeds.get(first.run),
        shows=shows,
        panel=PANEL,
        details=further,
    )


def compared_runs(metadata: Mapping[str, str]) -> tuple[ComparedRun, ...]:
    """Return the runs of a file, in the order in which they are shown; none where it shows no comparison.

    Raises:
        ValueError: when the text was changed.
    """
    text = metadata.get(COMPARED, "[]")
    try:
        return msgspec.json.decode(text, type=tuple[ComparedRun, ...])
    except (msgspec.MsgspecError, RecursionError):
        raise ValueError(f"Its keyword {COMPARED} is no list of runs; the file was changed.") from None

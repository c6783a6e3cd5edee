"""Runs as JSON documents: the same facts as ``gmstudio runs`` lists, and more of a single run."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gmstudio.cli.family_entries import family_entries
from gmstudio.cli.listed_runs import DAMAGED, ListedRun, RunFilter

if TYPE_CHECKING:
    from gmstudio.protocol.families import FamilyEntry
    from gmstudio.protocol.runs import RunInfo
    from gmstudio.runs.folder import RunFolder
    from gmstudio.runs.library import RunSummary

LIST_KEYS = ("home", "runs", "examples_home", "examples")
RUN_KEYS = (
    "run",
    "title",
    "name",
    "label",
    "note",
    "starred",
    "tags",
    "archived",
    "origin",
    "example",
    "family",
    "family_title",
    "data",
    "data_label",
    "image",
    "differing",
    "status",
    "message",
    "step",
    "steps",
    "created",
    "best_validation_bits_per_dim",
    "best_validation_loss",
    "last_validation_loss",
    "checkpoint_steps",
    "kept_steps",
    "problem",
)
DETAIL_KEYS = (*RUN_KEYS, "device", "config", "data_config", "training", "checkpoints", "events")


def runs_document(wanted: RunFilter) -> dict[str, object]:
    """Document of the runs that are wanted, and of such examples apart."""
    from gmstudio.runs.examples import example_folders, examples_home
    from gmstudio.runs.library import list_runs, runs_home, summarize

    runs, examples = list_runs(runs_home()), [summarize(folder) for folder in example_folders()]
    families = family_entries() if any(one.status != DAMAGED for one in (*runs, *examples)) else {}
    return {
        "home": runs_home(),
        "runs": [_document(one) for one in wanted.listed(runs, families)[0]],
        "examples_home": examples_home(),
        "examples": [_document(one) for one in wanted.listed(examples, families)[0]],
    }


def run_document(summary: "RunSummary", families: "Mapping[str, FamilyEntry]") -> dict[str, object]:
    """Document of one run of a list; of a damaged one only what is known.

    Args:
        summary: of the run.
        families: entries of the catalog.
    """
    (run,), _ = RunFilter(archived=True).listed([summary], families)
    return _document(run)


def _document(run: ListedRun) -> dict[str, object]:
    summary, info = run
    found: dict[str, object] = dict.fromkeys(RUN_KEYS)
    found |= {
        "run": summary.path.absolute(),
        "title": summary.title,
        "status": summary.status,
        "problem": summary.problem or None,
        "best_validation_loss": summary.best_valid,
        "last_validation_loss": summary.last_valid,
    }
    return found if info is None else found | _described(summary, info)


def _described(summary: "RunSummary", info: "RunInfo") -> dict[str, object]:
    return {
        "title": info.title,
        "name": info.name or None,
        "label": info.label,
        "note": info.note or None,
        "starred": info.starred,
        "tags": info.tags,
        "archived": info.archived,
        "origin": None if info.origin is None else msgspec.to_builtins(info.origin),
        "example": info.example,
        "family": summary.family,
        "family_title": info.family_title,
        "data": summary.data,
        "data_label": info.data_label,
        "image": info.image,
        "differing": info.differing,
        "message": info.message or None,
        "step": info.step,
        "steps": summary.steps,
        "created": info.created,
        "best_validation_bits_per_dim": info.best_bits,
        "checkpoint_steps": info.checkpoint_steps,
        "kept_steps": info.kept_steps,
    }


def detailed_run_document(run: "RunFolder") -> dict[str, object]:
    """Document of one run with its settings, checkpoints and log.

    Args:
        run: open folder of the run.
    """
    from gmstudio.runs.library import summarize

    record, summary = run.record, summarize(Path(run.path))
    checkpoints = [
        {
            "step": info.step,
            "size_bytes": info.size_bytes,
            "created": info.created,
            "latest": info.latest,
            "kept": info.marked,
            "problem": info.problem or None,
        }
        for info in run.checkpoints.list()
    ]
    return run_document(summary, family_entries()) | {
        "device": record.device,
        "config": record.config,
        "data_config": record.data_config,
        "training": msgspec.to_builtins(record.training),
        "checkpoints": checkpoints,
        "events": _events(run, summary),
    }


def _events(run: "RunFolder", summary: "RunSummary") -> list[dict[str, Any]]:
    if summary.problem:
        return []
    return [{"step": one.step, "time": one.time, "text": one.text} for one in run.history.read_events()]

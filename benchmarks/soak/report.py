"""The page on reliability, written from the result of a soak."""

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import psutil

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
FAULTS: tuple[tuple[str, str, str], ...] = (
    ("1", "kill -9 of the engine in an epoch: resuming equals an uninterrupted run bit for bit", "test_killed_engine"),
    ("2", "kill -9 at every file operation of a checkpoint's writing", "test_killed_saves"),
    (
        "3–6",
        "a window that is killed or stopped; an engine that hangs, is stopped or dies",
        "test_window_and_engine",
    ),
    ("7", "disk full in checkpoint, history and samples: the run pauses and continues by itself", "test_no_space"),
    ("8", "a read-only run folder or library", "test_read_only"),
    ("9", "damaged weights: flipped bytes, truncation, absurd headers", "test_damaged_weights"),
    ("10", "pickles wherever a file is read", "test_canaries"),
    ("11", "a checkpoint of another architecture or version", "test_other_architecture"),
    ("12", "a history that is torn, locked, from the future, or missing", "test_history_faults"),
    ("14", "two windows on one library, two starts of one run, the lock of a killed process", "test_two_windows"),
    (
        "15–17",
        "losses that are not finite, memory that runs out, an accelerator that fails",
        "test_failing_training",
    ),
    ("18–19", "pictures of 100,000 pixels, and every malformed file, dropped on the window", "test_hostile_drops"),
    ("20", "garbage, absurd sizes and other versions, in both directions", "test_frames"),
    ("21–22", "a slider at 1 kHz while 10,000 metrics arrive a second", "test_load"),
    ("23–24", "a clock that jumps; places with spaces, other scripts, signs, 200 characters", "test_clock_and_paths"),
    ("25", "no console; a window that closes at any moment of a run's life", "test_no_console"),
)
"""Number, fault, and the module in ``tests/faults/`` that injects it."""
INDEX = ("13", "an index of the library that is damaged, stale or from another version", "tests/runs/test_run_index.py")


def write(result: Mapping[str, Any], path: Path = PAGE) -> None:
    """Write the page from the result of ``soak.measure``."""
    path.write_text(page(result), encoding="utf-8")


def page(result: Mapping[str, Any]) -> str:
    """The page, Markdown."""
    memory = psutil.virtual_memory().total / 2**30
    parts = [
        "# Reliability",
        "What was done to the program, and what became of it. `make soak` runs the soak again and writes this page; "
        "`make test` injects each fault below.",
        "## The last soak",
        f"{date.today().isoformat()}, {os.cpu_count()} cores, {memory:.0f} GiB, {result['minutes']:g} minutes, seed "
        f"{result['seed']}. Random actions on the real window with a real engine, every fault that is possible while "
        "it runs, those that end the engine in the first half.",
        _load(result),
        "### Actions\n\n" + _counts(result["actions_by_kind"]),
        "### Faults injected\n\n" + _counts(result["faults_by_kind"]),
        "### The longest stalls\n\n" + _listed(result["worst_stalls"], "No event held the loop for over 100 ms."),
        "### Warnings and exceptions\n\n" + _listed(result["warnings"], "None, of Qt or Python."),
        "### Lost points\n\n" + _listed(result["problems"], "None: each run has each step once, in both places."),
        "## Faults that are tests",
        _faults(),
        "[security.md](security.md) says what is read, what of it could be hostile, and what stops it.",
    ]
    return "\n\n".join(parts) + "\n"


def _load(result: Mapping[str, Any]) -> str:
    def grown(name: str) -> str:
        first, last, most, slope = (result[f"{name}_mib_{what}"] for what in ("first", "last", "most", "per_hour"))
        return f"{first} MiB at first, {last} at the end, {most} at most; {slope:+} MiB an hour in the second half"

    rows = [
        ("Actions", f"{result['actions']:,}"),
        ("Faults", f"{result['faults']:,}"),
        ("Memory of the window", grown("window")),
        ("Memory of the engine", grown("engine")),
        ("Longest stall of the event loop", f"{result['longest_stall_ms']} ms"),
        ("Stalls over 100 ms", f"{result['stalls_over_100_ms']}"),
        ("Points of curves on the disk, and lost", f"{result['points']:,}; {result['lost_points']}"),
        ("Warnings and exceptions", f"{len(result['warnings'])}"),
        ("Load average of the machine, the soak's own included", f"{result['load_average']}"),
        ("End", "in order" if result["ended_in_order"] else "**not in order**"),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) + "."


def _listed(sentences: list[str], otherwise: str) -> str:
    root = f"{PAGE.parents[1]}/"
    return "\n".join(f"- `{sentence.replace(root, '')[:300]}`" for sentence in sentences) or otherwise


def _faults() -> str:
    rows = [f"| {number} | {fault} | `tests/faults/{module}.py` |" for number, fault, module in FAULTS]
    rows.insert(9, f"| {INDEX[0]} | {INDEX[1]} | `{INDEX[2]}` |")
    return "\n".join(["| | fault | test |", "|---|---|---|", *rows])

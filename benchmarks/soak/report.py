"""The page on reliability, written from the result of a soak."""

import os
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import psutil

from benchmarks.soak.actions import LONG_S

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
FAULT = re.compile(r'"""Faults? ((\d+)[^:]*): (.*?)\.?(?:"""|\n)')
"""Beginning of a module of tests that injects faults: their numbers, the first of them, and what they are."""


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
        "it runs, those that end the engine in the first two fifths. Then each panel, family, export, action and fault "
        "was used once, and from there on one engine lived to the end, whose memory is given.",
        _load(result),
        "### Actions\n\n" + _counts(result["actions_by_kind"]),
        f"Runs were exported as {', '.join(result['forms_exported'])}.",
        "### Faults injected\n\n" + _counts(result["faults_by_kind"]),
        "### The longest stalls\n\n" + _listed(result["worst_stalls"], "No event held the loop for over 100 ms."),
        "### Warnings and exceptions\n\n" + _listed(result["warnings"], "None, of Qt or Python."),
        "### Lost points\n\n" + _listed(result["problems"], "None: each run has each step once, in both places."),
        "## Faults that are tests",
        faults(),
        "[security.md](security.md) says what is read, what of it could be hostile, and what stops it.",
    ]
    return "\n\n".join(parts) + "\n"


def _load(result: Mapping[str, Any]) -> str:
    def grown(name: str) -> str:
        first, last, most, slope = (result[f"{name}_mib_{what}"] for what in ("first", "last", "most", "per_hour"))
        return f"{first} MiB in the first minute, {last} in the last, {most} at most; {slope:+} MiB an hour"

    rates = sorted(result["rates_hz"].items())
    rows = [
        ("Actions", f"{result['actions']:,}"),
        ("Faults", f"{result['faults']:,}"),
        ("Memory of the window, everything used once before", grown("window")),
        ("Memory of the last engine, everything used once before", grown("engine")),
        (
            "Longest stall of the event loop over 100 ms",
            f"{stall} ms" if (stall := result["longest_stall_ms"]) else "none",
        ),
        ("Longest garbage collection of the window", f"{result['longest_collection_ms']} ms"),
        (
            "Stalls over 100 ms, and those in which the window's thread took the processor for so long",
            f"{result['stalls_over_100_ms']}; {result['stalls_on_the_processor']}",
        ),
        *((f"Least rate of the loop during {LONG_S:.0f} s of {name}", f"{rate:.0f} a second") for name, rate in rates),
        ("Points of curves on the disk, and lost", f"{result['points']:,}; {result['lost_points']}"),
        ("Warnings and exceptions", f"{len(result['warnings'])}"),
        ("Load average of the machine, the soak's own included", f"{result['load_average']}"),
        ("End", "in order" if result["ended_in_order"] else "**not in order**"),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) + "."


def _listed(sentences: list[str], otherwise: str) -> str:
    root = f"{ROOT}/"
    return "\n".join(f"- `{sentence.replace(root, '')[:300]}`" for sentence in sentences) or otherwise


def faults() -> str:
    """Table of the modules of tests that inject faults, from the first lines of their docstrings."""
    found = []
    for path in ROOT.joinpath("tests").rglob("test_*.py"):
        if (match := FAULT.match(path.read_text(encoding="utf-8"))) is not None:
            numbers, first, fault = match.groups()
            found.append((int(first), f"| {numbers} | {fault} | `{path.relative_to(ROOT).as_posix()}` |"))
    return "\n".join(["| | fault | test |", "|---|---|---|", *(row for _, row in sorted(found))])

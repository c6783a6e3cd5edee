"""``gmstudio families``: the families, or one with all its settings, their limits and defaults; needs no torch."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from gmstudio.cli.family_entries import family_entries
from gmstudio.cli.json_output import JsonOption, print_json
from gmstudio.cli.terminal import new_console, say
from gmstudio.protocol.config import describe_limits, schema_of
from gmstudio.protocol.plain_text import plain_text
from gmstudio.protocol.training_settings import Training
from gmstudio.system.resources import resource_path
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from gmstudio.protocol.families import FamilyEntry
    from gmstudio.protocol.run_spec import RunSpec

SETTING_KEYS = (
    "name",
    "title",
    "help",
    "default",
    "limits",
    "type",
    "optional",
    "minimum",
    "maximum",
    "exclusive_minimum",
    "choices",
    "unit",
    "needs",
    "advanced",
)
FAMILY_KEYS = (
    "name",
    "title",
    "branch",
    "summary",
    "source",
    "capabilities",
    "objectives",
    "config",
    "training",
    "sampler",
    "decoder",
    "start",
    "start_on_points",
)
LIKELIHOODS = {"log_prob": "exact", "log_prob_estimate": "estimate", "elbo": "bound"}
"""Capability → what ``gmstudio score`` gives, the best first."""


def families(
    name: Annotated[str, typer.Argument(help="Family to show with its settings; all families when left out.")] = "",
    template: Annotated[
        str,
        typer.Option("--template", metavar="DIR", help="Write a package with a family of its own into a new folder."),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """List the families of models, or show one: settings with limits and defaults, for train --set and sample --set."""
    if template:
        _write_template(typed_path(template))
        return
    entries = family_entries()
    if name and name not in entries:
        raise ValueError(f"There is no family {name!r}; there are {', '.join(entries)}.")
    if as_json:
        documents = {key: family_document(entry) for key, entry in entries.items()}
        print_json(documents[name] if name else {"families": list(documents.values())})
    elif name:
        _show(entries[name], new_console())
    else:
        _list(entries, new_console())


def _write_template(folder: Path) -> None:
    """Copy the template of a package with a family.

    Raises:
        ValueError: when the folder is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} exists and is not an empty folder. Name a new one.")
    shutil.copytree(
        resource_path("family-template"), folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*")
    )
    say(f"{folder}: edit it, then pip install -e {folder}; see docs/add-a-family.md.")


# ---- documents -----------------------------------------------------------------------------------------------------


def family_document(entry: "FamilyEntry") -> dict[str, object]:
    """Document of a family, with the keys ``FAMILY_KEYS``."""
    card = entry.card
    values = (
        card.name,
        card.title,
        card.branch,
        card.summary,
        card.source,
        entry.capabilities,
        [{"latex": objective.latex, "when": objective.when} for objective in card.objectives],
        list(_settings(entry.config_schema)),
        list(_settings(schema_of(Training), msgspec.to_builtins(entry.training))),
        list(_settings(entry.sampler_schema)),
        list(_settings(entry.decoder_schema)),
        msgspec.to_builtins(entry.start),
        msgspec.to_builtins(entry.start_on_points),
    )
    return dict(zip(FAMILY_KEYS, values, strict=True))


def _settings(schema: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> Iterator[dict[str, object]]:
    """Documents of the settings of a schema.

    Args:
        schema: flat JSON Schema, or an empty one.
        defaults: where they are not those of the schema.
    """
    for name, prop in schema.get("properties", {}).items():
        typed = next((one for one in prop.get("anyOf", ()) if one.get("type") != "null"), prop)
        values = (
            name,
            prop.get("title", name),
            prop.get("description", ""),
            prop.get("default") if defaults is None else defaults.get(name),
            describe_limits(prop),
            "choice" if "enum" in typed else typed.get("type"),
            typed is not prop,
            typed.get("minimum"),
            typed.get("maximum"),
            typed.get("exclusiveMinimum"),
            typed.get("enum"),
            prop.get("unit") or None,
            prop.get("when"),
            prop.get("advanced", False),
        )
        yield dict(zip(SETTING_KEYS, values, strict=True))


# ---- tables --------------------------------------------------------------------------------------------------------


def _list(entries: "Mapping[str, FamilyEntry]", console: "Console") -> None:
    from rich.table import Column, Table

    table = Table("family", "title", Column("branch", overflow="fold"), "likelihood", box=None)
    for name, entry in entries.items():
        branch = " › ".join(entry.card.branch)
        table.add_row(*(plain_text(text) for text in (name, entry.card.title, branch, _likelihood(entry))))
    console.print(table)
    console.print("gmstudio families NAME shows the settings of one.")


def _likelihood(entry: "FamilyEntry") -> str:
    """Word for the likelihood that a family has."""
    return next((word for able, word in LIKELIHOODS.items() if able in entry.capabilities), "none")


def _show(entry: "FamilyEntry", console: "Console") -> None:
    card = entry.card
    console.print(plain_text(f"{card.title} ({card.name})"))
    console.print(plain_text(" › ".join(card.branch)))
    console.print()
    console.print(plain_text(card.summary))
    console.print(plain_text(card.source), style="dim")
    sections = (
        ("Settings (train --set)", entry.config_schema, None),
        ("Training (train --set)", schema_of(Training), msgspec.to_builtins(entry.training)),
        ("Sampling (sample --set)", entry.sampler_schema, None),
        ("Decoding (in Latents)", entry.decoder_schema, None),
    )
    for title, schema, defaults in sections:
        if schema.get("properties"):
            console.print()
            console.print(title, style="bold")
            console.print(_table(schema, defaults))
    for title, start in (
        ("First run (train without --data)", entry.start),
        ("On points (train --data points)", entry.start_on_points),
    ):
        if start is not None:
            console.print()
            console.print(title, style="bold")
            console.print(plain_text(_proposal(entry, start)))


def _proposal(entry: "FamilyEntry", start: "RunSpec") -> str:
    """Data of a run that a family proposes, and settings of it that differ from the defaults above."""
    properties = entry.config_schema["properties"]
    config = {key: value for key, value in start.config.items() if value != properties[key].get("default")}
    usual = msgspec.to_builtins(entry.training)
    training = {key: value for key, value in start.training.items() if value != usual.get(key)}
    shown = start.data_config if start is entry.start else {}  # on points: any
    data = {key: value for key, value in shown.items() if value not in ("", 0)}
    parts = (f"data={start.data}", *(f"{k}={v}" for part in (data, config, training) for k, v in part.items()))
    return ", ".join(parts)


def _table(schema: Mapping[str, Any], defaults: Mapping[str, Any] | None) -> "Table":
    """Table of settings: name, default with its unit, limits, help."""
    from rich.table import Column, Table

    table = Table(Column("setting", no_wrap=True), "default", Column("values", max_width=28), "", box=None)
    for setting in _settings(schema, defaults):
        default = (
            "empty" if setting["default"] in (None, "") else f"{setting['default']} {setting['unit'] or ''}".strip()
        )
        words = f"{setting['title']}: {setting['help']}"
        table.add_row(*(plain_text(str(text)) for text in (setting["name"], default, setting["limits"], words)))
    return table

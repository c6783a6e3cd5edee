"""docs/command-line.md and ``--help`` say the same commands and options, in both directions."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.cli import (
    coding,
    exporting,
    grids,
    importing_runs,
    importing_weights,
    probing,
    reporting,
    run_documents,
    scoring,
)
from gmstudio.cli.data_documents import DOWNLOAD_KEYS, IMPORTED_KEYS, REMOTE_KEYS, SOURCE_KEYS, lists_document
from gmstudio.cli.data_inspection import INSPECTION_KEYS
from gmstudio.cli.families import FAMILY_KEYS, SETTING_KEYS
from gmstudio.cli.labs import EXERCISE_KEYS, LAB_KEYS

DOCUMENT = Path(__file__).parents[2] / "docs" / "command-line.md"
HEADING = re.compile(r"^## `(gmstudio[^`]*)`$", re.MULTILINE)
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
CODE = re.compile(r"`([^`]+)`")
LEADING = re.compile(r"(--?[a-z][a-z-]*)(?:\s+(-[a-z]|--[a-z-]+)(?=\s))?")
HELP = {"--help"}


def _commands(command: Any, path: tuple[str, ...] = ("gmstudio",)) -> Iterator[tuple[str, Any]]:
    """Every command with its words, groups that do something by themselves among them."""
    below = getattr(command, "commands", None)
    if below is None or command.invoke_without_command:
        yield " ".join(path), command
    for name, inner in (below or {}).items():
        yield from _commands(inner, (*path, name))


COMMANDS = dict(_commands(typer.main.get_command(cli.app)))


def _sections() -> dict[str, str]:
    parts = HEADING.split(DOCUMENT.read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _rows(section: str) -> list[list[str]]:
    """First cells, as the code in them, of the table of options."""
    lines = section.splitlines()
    start = lines.index("| option | |") + 2 if "| option | |" in lines else len(lines)
    table = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        table.append(CODE.findall(line.split("|")[1]))
    return table


def _documented(section: str) -> tuple[set[str], set[str]]:
    """Options and arguments of a section's table."""
    words = [word.split()[0] for row in _rows(section) for word in row]
    options = {word for word in words if word.startswith("-")}
    return options, {word for word in words if not word.startswith("-")}


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    assert set(_sections()) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_options_and_arguments_are_those_of_the_command(name: str) -> None:
    options, arguments = _documented(_sections()[name])
    parameters = COMMANDS[name].params
    assert (
        options
        == {word for p in parameters if p.param_type_name == "option" for word in (*p.opts, *p.secondary_opts)} - HELP
    )
    metavars = (p.metavar or p.name.upper() for p in parameters if p.param_type_name == "argument")
    assert arguments == {metavar.strip("[].").rstrip("]") for metavar in metavars}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_what_the_document_says(name: str) -> None:
    words = name.split()[1:]
    result = CliRunner().invoke(cli.app, [*words, "--help"], env={"COLUMNS": "250", "TERM": "dumb"})
    assert result.exit_code == 0
    shown = {line.split("│")[1].strip() for line in result.output.splitlines() if line.count("│") >= 2}
    leading = [LEADING.match(line) for line in shown]
    options = {word for match in leading if match for word in match.groups() if word}
    assert options - HELP == _documented(_sections()[name])[0]


def test_every_key_of_a_document_is_explained() -> None:
    read, kept = set(INSPECTION_KEYS), set(IMPORTED_KEYS)
    documented = {
        "gmstudio data list": {*lists_document(), *SOURCE_KEYS, *REMOTE_KEYS},
        "gmstudio data info": read,
        "gmstudio data import": kept - read,
        "gmstudio data download": set(DOWNLOAD_KEYS),
        "gmstudio grid": (*grids.KEYS, *grids.RUN_KEYS),
        "gmstudio score": scoring.KEYS,
        "gmstudio probe": probing.KEYS,
        "gmstudio encode": coding.ENCODE_KEYS,
        "gmstudio decode": coding.DECODE_KEYS,
        "gmstudio import-weights": importing_weights.WEIGHT_KEYS,
        "gmstudio export": exporting.KEYS,
        "gmstudio import": importing_runs.KEYS,
        "gmstudio report": (*reporting.KEYS, *reporting.TEST_KEYS),
        "gmstudio runs": (*run_documents.LIST_KEYS, *run_documents.DETAIL_KEYS),
        "gmstudio families": (*FAMILY_KEYS, *SETTING_KEYS),
        "gmstudio lab": (*LAB_KEYS, *EXERCISE_KEYS),
    }
    for name, keys in documented.items():
        words = set(CODE.findall(_sections()[name]))
        assert set(keys) <= words, (name, set(keys) - words)
        in_tables = {
            word
            for line in _sections()[name].splitlines()
            if re.match(r"\| `[a-z]", line)
            for word in CODE.findall(line.split("|")[1])
        }
        assert in_tables <= set(keys), (name, in_tables - set(keys))


def test_the_file_of_settings_in_the_document_is_one(tmp_path: Path) -> None:
    from gmstudio.cli.config_file import read_config_file

    (example,) = re.findall(r"```toml\n(.*?)```", _sections()["gmstudio train"], re.DOTALL)
    path = tmp_path / "example.toml"
    path.write_text(example)
    arguments = ["train", "--config", str(path), "--write-config", str(tmp_path / "all.toml")]
    assert CliRunner().invoke(cli.app, arguments, catch_exceptions=False).exit_code == 0
    assert read_config_file(tmp_path / "all.toml").config["num_latent"] == 2


@pytest.mark.parametrize(
    "section",
    ["gmstudio train", "gmstudio sample", "gmstudio score", "gmstudio encode", "gmstudio decode", "gmstudio lab"],
)
def test_examples_use_options_that_there_are(section: str) -> None:
    options = {word for command in COMMANDS.values() for p in command.params for word in p.opts}
    for block in re.findall(r"```\n(.*?)```", _sections()[section], re.DOTALL):
        for line in block.splitlines():
            assert line.startswith("gmstudio ")
            assert set(OPTION.findall(re.sub(r"\S+=\S+", "", line))) <= options, line

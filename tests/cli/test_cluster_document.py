"""The commands of docs/cluster.md are commands of this version."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from gmstudio import cli
from gmstudio.families import FAMILIES
from gmstudio.protocol.training_settings import Training

DOCUMENT = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL)
LINES = [line for block in BLOCKS for line in block.replace("\\\n", " ").splitlines() if "gmstudio train" in line]


@pytest.mark.parametrize("line", LINES)
def test_every_training_of_the_document_has_options_and_settings_that_exist(line: str) -> None:
    words = shlex.split(line.split("gmstudio train", 1)[1])
    command = typer.main.get_command(cli.app).commands["train"]  # type: ignore[attr-defined]
    context = command.make_context("train", list(words), resilient_parsing=False)
    given = context.params
    assert given["family"] in FAMILIES and given["resume_or_start"]
    for setting in given["settings"] or []:
        name = setting.partition("=")[0]
        assert name in {*Training.__struct_fields__, *FAMILIES[given["family"]].Config.__struct_fields__}


def test_settings_in_the_text_exist() -> None:
    for name in re.findall(r"--set (\w+)=", DOCUMENT):
        assert name in {*Training.__struct_fields__, "beta"}


def test_scripts_are_shell(tmp_path: Path) -> None:
    assert len(LINES) == 5
    for block in BLOCKS:
        assert shlex.split(block, comments=True)

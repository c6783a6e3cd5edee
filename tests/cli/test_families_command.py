"""``gmstudio families``: what a person reads."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.families import FAMILIES


def _output(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, ["families", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_all_families_are_listed() -> None:
    printed = _output()
    for name, family in FAMILIES.items():
        assert name in printed and family.card.title in printed
    lines = {line.split()[0]: line.split()[-1] for line in printed.splitlines() if line.strip()}
    assert (lines["pixelcnn"], lines["realnvp"] in ("bound", "estimate"), lines["gan"]) == ("exact", True, "none")


@pytest.mark.parametrize("family", ["vae", "ddpm", "gated_pixelcnn"])
def test_one_family_is_shown_with_every_setting(family: str) -> None:
    printed = _output(family)
    kind = FAMILIES[family]
    for config in (kind.Config, kind.SamplerConfig, kind.DecoderConfig):
        for field in config.__struct_fields__ if config is not None else ():
            assert f" {field} " in printed
    for words in ("learning_rate", "a number above 0 and at", "10,000,000", kind.card.title):
        assert words in printed


def test_an_unknown_family_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"There is no family 'resnet'; there are markov, fvbn"):
        CliRunner().invoke(cli.app, ["families", "resnet"], catch_exceptions=False)


def test_it_takes_no_torch_once_the_catalog_is_kept() -> None:
    _output()
    code = (
        "import sys; from typer.testing import CliRunner; from gmstudio import cli;"
        "r = CliRunner().invoke(cli.app, ['families', 'vae', '--json']);"
        "assert r.exit_code == 0, r.output; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)

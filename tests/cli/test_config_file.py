"""``gmstudio train --config``: settings from a file."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.cli.config_file import ConfigFile, read_config_file, write_config
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder

VAE = """
family = "vae"
data = "digits"
[config]
beta = 2.5
num_latent = 3
[data_config]
levels = 2
[training]
steps = 3
learning_rate = 1e-4
validation_images = 20
num_samples = 1
batch_size = 16
"""
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)


def call(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "vae.toml"
    path.write_text(VAE)
    return path


def _record(run: Path) -> Any:
    with RunFolder.open(str(run)) as folder:
        return folder.record


def test_a_run_is_trained_by_its_file(tmp_path: Path, file: Path) -> None:
    call("train", "--config", str(file), "--out", str(tmp_path / "run"))
    record = _record(tmp_path / "run")
    assert (record.family, record.data, record.image.levels) == ("vae", "digits", 2)
    assert (record.config["beta"], record.config["num_latent"], record.config["num_hidden"]) == (2.5, 3, 512)
    assert (record.training.steps, record.training.learning_rate) == (3, 1e-4)


def test_the_command_line_goes_before_the_file(tmp_path: Path, file: Path) -> None:
    options = ["--set", "beta=4", "--set", "data.levels=16", "--steps", "2", "--seed", "7"]
    call("train", "--config", str(file), "--out", str(tmp_path / "run"), *options)
    record = _record(tmp_path / "run")
    assert (record.config["beta"], record.config["num_latent"], record.image.levels) == (4.0, 3, 16)
    assert (record.training.steps, record.training.seed, record.training.learning_rate) == (2, 7, 1e-4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (VAE.replace("beta = 2.5", "beta = -1"), [r"\[config\] beta: β is -1; it must be a number"]),
        (VAE.replace("beta", "bta"), [r"\[config\] bta: There is no setting 'bta'; there are .*beta"]),
        (VAE.replace("levels = 2", "levels = 3"), [r"\[data_config\] levels: .* is 3; it must be one of"]),
        (VAE.replace("steps = 3", "steps = 0"), [r"\[training\] steps: Steps is 0; it must be a whole number from 1"]),
        (VAE.replace("beta = 2.5", "beta = nan"), [r"\[config\] beta: β is nan"]),
        (VAE.replace("beta = 2.5", "beta = 1979-05-27"), [r"\[config\] beta: β is .*; it must be a number"]),
        (VAE.replace("[training]", "[trainings]"), [r"no key 'trainings'; there are family, data, config"]),
        (VAE.replace("[data_config]\nlevels = 2", ""), []),
        (VAE.replace('data = "digits"', "data = 3"), [r"data is 3; it must be text"]),
        (VAE.replace("[config]\nbeta = 2.5\nnum_latent = 3", "config = 1"), [r"config is 1; it must be a table"]),
        ("family = ", [r"is not TOML: "]),
        (VAE.replace("= 2.5", "= -1").replace("steps = 3", "steps = 0"), [r"\[config\] beta.*\[training\] steps"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    arguments = ["train", "--config", str(path), "--write-config", "-"]
    if not words:
        call(*arguments)
        return
    with pytest.raises(ValueError, match=words[0]) as error:
        call(*arguments)
    assert str(path) in str(error.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b'family = "v\xe4e"')
    with pytest.raises(ValueError, match="is not UTF-8 text"):
        read_config_file(path)
    with pytest.raises(OSError):
        read_config_file(tmp_path / "missing.toml")
    path.write_bytes(b"#" * (2**20 + 1))
    with pytest.raises((ValueError, OSError)):
        read_config_file(path)


def test_all_settings_are_written_and_read_again(tmp_path: Path, file: Path) -> None:
    out = tmp_path / "all.toml"
    call("train", "--config", str(file), "--set", "beta=4", "--write-config", str(out))
    written = read_config_file(out)
    assert written.config["beta"] == 4.0 and written.training["batch_size"] == 16
    printed = call("train", "--config", str(out), "--write-config", "-")
    assert printed == out.read_text()
    assert not list(tmp_path.glob("run*"))


def test_a_resumed_run_takes_no_file(tmp_path: Path, file: Path) -> None:
    with pytest.raises(ValueError, match="Leave out --config"):
        call("train", "--resume", "--out", str(tmp_path), "--config", str(file))


@given(st.dictionaries(st.sampled_from(["beta", "folder", "size", "order"]), SCALARS))
def test_every_value_comes_back(tmp_path_factory: pytest.TempPathFactory, values: dict[str, object]) -> None:
    path = tmp_path_factory.mktemp("toml") / "a.toml"
    spec = RunSpec(family="vae", data="digits", config=values, data_config={"empty": None, "list": [1, "a"]})
    path.write_text(write_config(spec), encoding="utf-8", newline="")
    read = read_config_file(path)
    expected = ConfigFile(str(path), "vae", "digits", values, {"list": [1, "a"]}, {})
    assert read == expected

"""Weights and folders for other programs: what they hold, that they load, that hostile ones are refused."""

import json
import struct
from pathlib import Path
from typing import Any

import msgspec
import pytest
import safetensors
import torch
from exported_runs import BINARY, CPU, make_run, write_export
from PIL import Image
from safetensors.torch import load_file

import gmstudio
from gmstudio.engine.runs.exports.export import ExportSource
from gmstudio.engine.runs.exports.hub import HubExport
from gmstudio.engine.runs.exports.hub_card import front_matter
from gmstudio.engine.runs.exports.writing import export_pieces
from gmstudio.engine.runtime.models import ModelCache
from gmstudio.families.base import Family
from gmstudio.families.variational.vae import VAE
from gmstudio.protocol.images import ImageSpec
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunError
from gmstudio.testing.laws.inputs import random_images, seeded

CONFIG = {"num_latent": 2, "num_hidden": 8}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Family]:
    return make_run(tmp_path_factory.mktemp("hub") / "run", "vae", CONFIG)


@pytest.fixture(scope="module")
def exported(run: tuple[Path, Family], tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("exported") / "hub"
    export = write_export(run[0], "hub", target)
    assert "licence" in " ".join(export.remarks)
    return target


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    for file in ("config.json", "model.safetensors"):
        (tmp_path / file).write_bytes((exported / file).read_bytes())
    return tmp_path


def change(folder: Path, **fields: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_weights_load_with_safetensors_alone_and_say_what_they_are(run: tuple[Path, Family], tmp_path: Path) -> None:
    path, model = run
    write_export(path, "safetensors", tmp_path / "weights.safetensors")
    arrays, state = load_file(tmp_path / "weights.safetensors"), model.state_dict()
    assert arrays.keys() == state.keys() and all(torch.equal(arrays[name], state[name]) for name in state)
    with safetensors.safe_open(tmp_path / "weights.safetensors", "pt") as file:
        said = file.metadata()
    assert (said["family"], said["step"], said["seed"]) == ("vae", "4", "0")
    assert json.loads(said["config"]) == CONFIG and json.loads(said["image"]) == msgspec.to_builtins(BINARY)


def test_a_folder_loads_as_the_same_model(run: tuple[Path, Family], exported: Path) -> None:
    model, x = gmstudio.from_hub(exported), random_images(BINARY, 3)
    assert isinstance(model, VAE) and not model.training and isinstance(run[1], VAE)
    assert torch.equal(model.elbo(x, 2, seeded()), run[1].elbo(x, 2, seeded()))


def test_a_name_of_data_is_one_tag_of_the_card_whatever_its_characters() -> None:
    data = 'mine: [a, "b"] # é'
    tags = [line.removeprefix("- ") for line in front_matter("vae", data).splitlines() if line.startswith("- ")]
    assert tags[0] == "gmstudio" and [json.loads(tag) for tag in tags[1:]] == ["vae", data]


def test_a_card_has_figures_with_errors_and_leaves_the_licence_open(exported: Path) -> None:
    card = (exported / "README.md").read_text()
    front, _, text = card.removeprefix("---\n").partition("\n---\n")
    assert "library_name: gmstudio" in front and "\nlicense:" not in front
    for wanted in ("Test, the first ", "±", "bits/dim", "40.5", 'gmstudio.from_hub("', "num_latent", "## Licence"):
        assert wanted in text
    assert max(map(len, text.splitlines()), default=0) < 900
    with Image.open(exported / "preview.png") as picture:
        assert picture.text["Run"] == "run" and picture.size == (292, 292)


def test_a_folder_without_the_data_says_so(tmp_path: Path) -> None:
    path, _ = make_run(tmp_path / "run", "vae", CONFIG, ImageSpec(1, 5, 5, 2))
    export = write_export(path, "hub", tmp_path / "hub")
    assert any("no test figure" in remark for remark in export.remarks)
    assert "Test, the first" not in (tmp_path / "hub/README.md").read_text()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"family": "os.system"}, "There is no family 'os.system'"),
        ({"config": {"num_latent": 10**9}}, "Latent dimensions is 1000000000"),
        ({"config": {"auto_map": "evil.py"}}, "There is no setting 'auto_map'"),
        ({"image": {"channels": 1, "height": 10**9, "width": 8, "levels": 2}}, "does not describe a model"),
        ({"config": {**CONFIG, "num_hidden": 8192}}, "does not fit the VAE that config.json describes"),
        ({"gmstudio_format": 99}, "has format 99"),
        ({"labels": [-4]}, "does not describe a model"),
        ({"data_config": json.loads("[" * 80 + "]" * 80)}, "does not describe a model"),
    ],
)
def test_hostile_settings_are_refused_in_a_sentence(folder: Path, fields: dict[str, Any], words: str) -> None:
    change(folder, **fields)
    with pytest.raises(ValueError, match=words) as caught:
        gmstudio.from_hub(folder)
    assert str(caught.value).endswith(".")


def _header(header: bytes, length: int | None = None, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + body


_HUGE = {"w": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
_OTHER = {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no safetensors file"),
        (b"cos\nsystem\n(S'true'\ntR.", "no safetensors file"),
        (_header(b"{}", 2**62), "no safetensors file"),
        (_header(json.dumps(_HUGE).encode()), "no safetensors file"),
        (_header(b"[" * 5000), "no safetensors file"),
        (_header(json.dumps(_OTHER).encode(), body=b"abcd"), "does not fit the VAE"),
    ],
)
def test_hostile_weights_are_refused_in_a_sentence(folder: Path, content: bytes, words: str) -> None:
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(RunError if "fit" not in words else ValueError, match=words):
        gmstudio.from_hub(folder)


def test_what_is_missing_or_no_file_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"has no config\.json"):
        gmstudio.from_hub(tmp_path / "nowhere")
    (folder / "model.safetensors").unlink()
    with pytest.raises(RunError, match=r"has no model\.safetensors"):
        gmstudio.from_hub(folder)
    (folder / "config.json").write_bytes(b"\xff" + b" " * 40)
    with pytest.raises(RunError, match="does not describe a model"):
        gmstudio.from_hub(folder)
    (folder / "config.json").write_bytes(b" " * (2 << 20))
    with pytest.raises(RunError, match=r"could not be read.*at most"):
        gmstudio.from_hub(folder)


def test_figures_are_of_the_weights_that_are_written(run: tuple[Path, Family], exported: Path, tmp_path: Path) -> None:
    """A training goes on meanwhile."""
    with RunFolder.open(run[0]) as folder:
        loaded = ModelCache().load(str(run[0]), CPU)
        for _ in export_pieces(HubExport(), ExportSource(folder, lambda: loaded), tmp_path / "hub", overwrite=False):
            with torch.no_grad():
                for value in loaded.model.parameters():
                    value.add_(1.0)
    for name in ("README.md", "preview.png"):
        assert (tmp_path / "hub" / name).read_bytes() == (exported / name).read_bytes(), name
    written, expected = load_file(tmp_path / "hub" / "model.safetensors"), load_file(exported / "model.safetensors")
    assert all(torch.equal(written[name], value) for name, value in expected.items())

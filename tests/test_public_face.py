"""The few names that ``gmstudio`` has for scripts: what they give, their types, and that importing it stays cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_families import fit

import gmstudio
from gmstudio import scripting
from gmstudio.data import DataError
from gmstudio.families.variational.vae import VAE
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs import RunError, RunFolder, new_record
from gmstudio.testing.laws.inputs import random_images, seeded

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "numpy", "msgspec", "PySide6", "gmstudio.families")


def python(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, VAE]:
    """A run's folder with two checkpoints, and the model of the later one."""
    image, config = gmstudio.ImageSpec(1, 4, 4, 2), {"num_latent": 2, "num_hidden": 8}
    model = VAE(VAE.Config(**config), image)
    record = new_record(RunSpec(family="vae", config=config, data="digits"), image=image, device="cpu")
    with RunFolder.create(tmp_path / "run", record) as folder:
        for step in (3, 6):
            fit(model, random_images(image, 4), 3)
            tensors = {name: value.detach().numpy() for name, value in model.state_dict().items()}
            folder.checkpoints.save(step, {"model": tensors}, {})
    return tmp_path / "run", model


@pytest.mark.parametrize("statement", ["import gmstudio", "import gmstudio; dir(gmstudio); gmstudio.__version__"])
def test_importing_it_is_cheap(statement: str) -> None:
    assert python(f"{statement}; import sys; print([m for m in {HEAVY!r} if m in sys.modules])") == "[]"


def test_names_are_loaded_when_one_is_first_used() -> None:
    names = ", ".join(scripting.__all__)
    before = "import gmstudio, sys; print('torch' in sys.modules, *dir(gmstudio))"
    after = f"gmstudio.open_run; print('torch' in sys.modules); from gmstudio import {names}"
    loaded, *listed, loaded_then = python(f"{before}; {after}").split()
    assert (loaded, loaded_then) == ("False", "True") and set(scripting.__all__) < set(listed)


def test_names_are_those_of_the_module_behind_it() -> None:
    assert set(scripting.__all__) | {"__version__"} == set(gmstudio.__all__)
    for name in scripting.__all__:
        assert getattr(gmstudio, name) is getattr(scripting, name)
    with pytest.raises(AttributeError, match="module 'gmstudio' has no attribute 'open_runs'"):
        gmstudio.open_runs  # noqa: B018


def test_the_stub_has_the_same_names() -> None:
    stub = ast.parse((ROOT / "gmstudio/__init__.pyi").read_text(encoding="utf-8"))
    imported = {
        alias.name
        for node in stub.body
        if isinstance(node, ast.ImportFrom) and node.module == "gmstudio.scripting"
        for alias in node.names
    }
    assert imported == set(scripting.__all__)


def test_a_run_is_opened_with_its_latest_weights_in_evaluation_mode(run: tuple[Path, VAE]) -> None:
    path, expected = run
    model = gmstudio.open_run(path)
    assert isinstance(model, VAE) and not model.training and model.device == torch.device("cpu")
    x = random_images(model.image, 3)
    assert torch.equal(model.elbo(x, 2, seeded()), expected.eval().elbo(x, 2, seeded()))
    assert torch.equal(gmstudio.open_run(str(path), device="cpu").encode(x), model.encode(x))


def test_the_home_folder_may_be_abbreviated(run: tuple[Path, VAE], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(run[0].parent))
    monkeypatch.setenv("USERPROFILE", str(run[0].parent))
    assert isinstance(gmstudio.open_run("~/run"), VAE)


def test_a_damaged_checkpoint_is_passed_over_with_a_warning(run: tuple[Path, VAE]) -> None:
    (damaged,) = (run[0] / "checkpoints/step-6").glob("*.safetensors")
    damaged.write_bytes(b"")
    with pytest.warns(UserWarning, match="step-6"):
        gmstudio.open_run(run[0])


def test_what_is_no_run_is_refused_in_words(run: tuple[Path, VAE]) -> None:
    path, _ = run
    with pytest.raises(RunError, match=r"is not a run: there is no such folder\. .*\.$"):
        gmstudio.open_run(path / "nowhere")
    with pytest.raises(ValueError, match="There is no device 'tpu' here; choose one of"):
        gmstudio.open_run(path, device="tpu")
    with RunFolder.open(path, write=True) as folder:
        folder.update(family="unheard")
    with pytest.raises(ValueError, match="There is no family 'unheard' here"):
        gmstudio.open_run(path)


def test_data_is_loaded_with_its_settings() -> None:
    data = gmstudio.load_data("digits", levels=2)
    assert data.source == "digits" and data.image.levels == 2 and set(data.test.images.flatten()) == {0, 1}
    assert gmstudio.load_data("digits").image.shape == data.image.shape


def test_unsuitable_data_is_refused_in_words() -> None:
    with pytest.raises(DataError, match="There is no data source 'mnits'; there are"):
        gmstudio.load_data("mnits")
    with pytest.raises(ConfigError, match="There is no setting 'level'"):
        gmstudio.load_data("digits", level=2)


def test_families_are_all_of_them() -> None:
    model = gmstudio.FAMILIES["vae"](VAE.Config(num_latent=2), gmstudio.ImageSpec(1, 4, 4, 2))
    assert isinstance(model, VAE)

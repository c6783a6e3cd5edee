"""A resource is found in a checkout, and in an installed wheel from any folder."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gmstudio.system import resources
from gmstudio.system.resources import resource_path

ROOT = Path(__file__).parents[2]


def test_a_checkout_has_its_resources() -> None:
    assert resource_path("icons").is_dir()
    assert resource_path("glossary.md").is_file()


def test_a_missing_resource_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(resources, "FOLDERS", (tmp_path / "_resources", tmp_path / "resources"))
    with pytest.raises(FileNotFoundError, match=r"'icons/none\.svg' is neither in"):
        resource_path("icons/none.svg")


@pytest.mark.slow
def test_a_wheel_brings_every_resource_and_finds_it(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT / "gmstudio", source / "gmstudio", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "resources", source / "resources")
    (source / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "glossary.md", source / "docs")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(source),
    ]
    done = subprocess.run(build, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("gmstudio-*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    script = "from gmstudio.system.resources import resource_path; print(resource_path('icons'))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == str(installed / "gmstudio/_resources/icons"), done.stderr
    shipped = {p.relative_to(ROOT / "resources") for p in (ROOT / "resources").rglob("*") if p.is_file()}
    found = {
        p.relative_to(installed / "gmstudio/_resources") for p in installed.rglob("_resources/**/*") if p.is_file()
    }
    assert shipped
    assert found == {*shipped, Path("glossary.md")}

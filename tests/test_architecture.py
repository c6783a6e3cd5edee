"""The shape of the project: the import rule holds, what is shipped is complete, documents name what exists."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gmstudio"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WINDOW_SIDE = ("app", "window", "runs", "media", "protocol", "system")
ENGINE_SIDE = ("engine", "testing", "families", "nn", "data", "runs", "media", "protocol", "system")


def lint_imports(folder: Path) -> str:
    """Run import-linter over the package in ``folder`` and return what it prints."""
    script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", script, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=60
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with every module of gmstudio, all empty, under gmstudio's own import rule."""
    folder = tmp_path_factory.mktemp("skeleton")
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    for source in PACKAGE.rglob("*.py"):
        copy = folder / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.touch()
    return folder


def contract_names() -> list[str]:
    return [contract["name"] for contract in PROJECT["tool"]["importlinter"]["contracts"]]


def test_an_empty_skeleton_keeps_every_contract(skeleton: Path) -> None:
    output = lint_imports(skeleton)
    assert f"{len(contract_names())} kept, 0 broken" in output, output


@pytest.mark.parametrize(
    ("contract", "module", "statement"),
    [
        ("Imports run one way", "protocol/base.py", "import gmstudio.data"),
        ("Imports run one way", "window/client/__init__.py", "import gmstudio.engine"),
        ("Imports run one way", "families/flow/realnvp.py", "import gmstudio.data"),
        ("Imports run one way", "media/png.py", "import gmstudio.data.dataset"),
        ("Imports run one way", "helpers.py", "import json"),
        ("Imports run one way", "families/base.py", "import gmstudio.testing"),
        ("Imports run one way", "testing/plugin.py", "import gmstudio.engine"),
        ("In the window: gui, state, client", "window/client/__init__.py", "import gmstudio.window.state"),
        ("In the gui: shell, panels, forms, widgets", "window/gui/forms/form.py", "import gmstudio.window.gui.panels"),
        ("Widgets know no state", "window/gui/widgets/formula.py", "import gmstudio.window.state"),
        ("In the engine: server, features, runtime", "engine/runtime/memory.py", "import gmstudio.engine.training"),
        ("The window's side never loads torch", "runs/__init__.py", "import torch"),
        ("The window's side never loads torch", "app.py", "import gmstudio.cli; import gmstudio.engine"),
        ("The engine's side never loads Qt", "nn/__init__.py", "import PySide6.QtCore"),
        ("Widget libraries only under gui/ and in app.py", "window/state/__init__.py", "import pyqtgraph"),
        (
            "No branch of the families imports another",
            "families/flow/realnvp.py",
            "import gmstudio.families.energy.rbm",
        ),
        ("No branch of the families imports another", "families/base.py", "import gmstudio.families.energy.rbm"),
        (
            "A family imports only what families share, nn and the words of the protocol",
            "families/flow/realnvp.py",
            "import gmstudio.runs",
        ),
    ],
)
def test_a_wrong_import_breaks_its_contract(skeleton: Path, contract: str, module: str, statement: str) -> None:
    path = skeleton / "gmstudio" / module
    existed = path.exists()
    path.write_text(statement + "\n", encoding="utf-8")
    if module == "app.py":
        (skeleton / "gmstudio/engine/__init__.py").write_text("import torch\n", encoding="utf-8")
    try:
        output = lint_imports(skeleton)
    finally:
        (skeleton / "gmstudio/engine/__init__.py").write_text("", encoding="utf-8")
        path.write_text("", encoding="utf-8") if existed else path.unlink()
    assert re.search(rf"^{re.escape(contract)}\s*BROKEN", output, re.MULTILINE), output


def test_every_contract_has_been_broken_once() -> None:
    broken = test_a_wrong_import_breaks_its_contract.pytestmark[0].args[1]
    assert {contract for contract, _, _ in broken} == set(contract_names())


def imported_names(path: Path) -> set[str]:
    """Dotted names that a file imports anywhere, ``from a import b`` as ``a`` and ``a.b``."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def widget_imports(path: Path) -> set[str]:
    widgets = ("PySide6.QtWidgets", "PySide6.QtGui", "PySide6.QtSvg", "PySide6.QtSvgWidgets", "PySide6.QtOpenGLWidgets")
    return {name for name in imported_names(path) if name in widgets}


def test_widgets_are_imported_only_under_gui_and_in_app() -> None:
    wrong = {}
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE)
        if place.parts[:2] != ("window", "gui") and place.name != "app.py" and (found := widget_imports(path)):
            wrong[str(place)] = found
    assert wrong == {}


@pytest.mark.parametrize(
    "statement", ["import PySide6.QtWidgets", "from PySide6 import QtGui", "from PySide6.QtGui import QColor"]
)
def test_a_widget_import_is_seen(tmp_path: Path, statement: str) -> None:
    source = tmp_path / "wrong.py"
    source.write_text(f"def late() -> None:\n    {statement}\n", encoding="utf-8")
    assert widget_imports(source)


def modules_of(names: tuple[str, ...]) -> list[str]:
    """The importable modules of the project under these names, without ``__main__``."""
    found = []
    for name in names:
        paths = (
            [PACKAGE / f"{name}.py"] if (PACKAGE / f"{name}.py").exists() else sorted((PACKAGE / name).rglob("*.py"))
        )
        found += [path.relative_to(ROOT).with_suffix("") for path in paths if path.stem != "__main__"]
    return [".".join(p.parts).removesuffix(".__init__") for p in found]


@pytest.mark.parametrize(
    ("side", "unwanted"),
    [
        (WINDOW_SIDE, ("torch", "sklearn")),
        (ENGINE_SIDE, ("PySide6", "shiboken6", "pyqtgraph")),
        (("cli",), ("torch", "PySide6")),
    ],
    ids=["window", "engine", "cli"],
)
def test_importing_one_side_does_not_load_the_others_library(side: tuple[str, ...], unwanted: tuple[str, ...]) -> None:
    modules = modules_of(side)
    script = f"import {', '.join(modules)}, sys; print(*[m for m in {unwanted!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stdout + done.stderr


def test_every_folder_of_code_is_a_package() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert {str(folder) for folder in folders if not (folder / "__init__.py").exists()} == set()


def test_every_dependency_is_pinned() -> None:
    def plain(requirement: str) -> str:
        return re.split(r"[<>=!~\[; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")

    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
    project = PROJECT["project"]
    required = {plain(r) for r in [*project["dependencies"], *project["optional-dependencies"]["test"]]}
    assert required <= {plain(pin) for pin in pins}


DOCUMENTS = ("docs/architecture.md", "docs/security.md", "README.md", "CONTRIBUTING.md")
PATH = r"(?:gmstudio|resources|tests|benchmarks|docs|\.ci)/[\w./-]*|[\w-]+\.(?:md|py|toml|txt)"


def named_paths(document: Path) -> set[str]:
    """The paths that a document gives in backticks, as link targets, and at the start of a line of a code block."""
    text = document.read_text(encoding="utf-8")
    found = re.findall(rf"`({PATH})`|\]\(({PATH})\)|^({PATH})\s", text, re.MULTILINE)
    return {name for names in found for name in names if name}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_a_document_names_exists(document: str) -> None:
    named = named_paths(ROOT / document)
    assert len(named) > 3
    places = (ROOT, (ROOT / document).parent, PACKAGE)
    missing = {name for name in named if not any((place / name).exists() for place in places)}
    assert {name for name in missing if "yours" not in name} == set()


def test_the_architecture_names_every_room() -> None:
    named = {name.rstrip("/") for name in named_paths(ROOT / "docs/architecture.md")}
    rooms = {
        f"gmstudio/{path.name}" for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms - named == {"gmstudio/__init__.py", "gmstudio/__main__.py"}

"""Maker of ``resources/examples``: trains the ready models of the recipes, packs them and scores them.

``python -m benchmarks.shipped.examples [NAME …]`` (``make examples``) works in ``build/examples``; what was trained
there is not trained again, and what was interrupted goes on. Beside the examples it writes ``figures.json``, and from
all figures the table in ``README.md``.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import torch

from benchmarks.shipped.packing import pack
from benchmarks.shipped.readme import readme
from benchmarks.shipped.recipe import ExampleRecipe, read_recipe, recipe_names
from benchmarks.shipped.scoring import as_plain, figure_of
from benchmarks.shipped.training import machine, read_effort, train_example
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.models import ModelCache
from gmstudio.engine.runtime.run_data import load_run_data
from gmstudio.runs.folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "examples"
OUT = ROOT / "resources" / "examples"
FIGURES_NAME = "figures.json"

Figures = dict[str, dict[str, Any]]


def make_example(name: str, recipe: ExampleRecipe, run: Path, out: Path) -> dict[str, Any]:
    """Pack a trained run as an example and measure it.

    Args:
        name: of the recipe and of the example.
        recipe: the recipe.
        run: folder of the trained run.
        out: folder of the examples.

    Returns:
        Figures as plain values.
    """
    torch.set_num_threads(1)
    with RunFolder.open(run) as folder:
        dataset = load_run_data(DatasetCache(), folder.record)
    packed = run.parent / "packed" / name
    rounding = pack(run, recipe, dataset, packed)
    shutil.rmtree(out / name, ignore_errors=True)
    shutil.copytree(packed, out / name)
    loaded = ModelCache().load(str(out / name), torch.device("cpu"))
    size = sum(path.stat().st_size for path in (out / name).rglob("*") if path.is_file())
    return {
        "family": recipe.family,
        "step": loaded.step,
        "cpu_minutes": round(read_effort(run)["cpu_seconds"] / 60, 1),
        "machine": f"{machine()}, one thread",
        "parameters": loaded.model.num_parameters(),
        "kilobytes": round(size / 1000),
        "precision": msgspec.to_builtins(rounding),
        "test": as_plain(figure_of(loaded.model, dataset, recipe.score)),
    }


def read_figures(out: Path) -> Figures:
    """Figures of the examples by their names; empty where none were written."""
    path = out / FIGURES_NAME
    return json.loads(path.read_text()) if path.exists() else {}


def main() -> None:
    """Make the examples that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=recipe_names())
    parser.add_argument("--work", type=Path, default=WORK, help="folder of the runs in training")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the examples")
    parser.add_argument("--trained", action="store_true", help="pack what was trained, and train nothing")
    options = parser.parse_args()
    for name in options.names:
        recipe = read_recipe(name)
        if not options.trained:
            train_example(recipe, options.work / name)
        figures = {**read_figures(options.out), name: make_example(name, recipe, options.work / name, options.out)}
        (options.out / FIGURES_NAME).write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
        (options.out / "README.md").write_text(readme(figures))
        print(f"{name}: {json.dumps(figures[name])}", flush=True)


if __name__ == "__main__":
    main()

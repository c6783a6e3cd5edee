"""Table of the ready models with their test figures, written by the maker of the examples."""

from typing import Any

from benchmarks import recipe as timed
from benchmarks.recipe import PaperResult
from benchmarks.shipped.recipe import ExampleRecipe, read_recipe

HEAD = """# Ready models

Runs that come with gmstudio, trained by `make examples` from the recipes in `benchmarks/shipped/recipes/`, which hold
all settings and the seed. They are read-only; *Train on* continues a copy. Weights are stored in half precision where
that changes a log-likelihood by less than 0.02 nats or a ten-thousandth of it.

Test figures are of the 1,000 test images of the data that come with gmstudio, computed with the stored weights.
**They do not compare with the published ones in the last column**: those models were larger, trained on 50,000 or
60,000 images instead of 6,000, for hours or days, and scored on all test images of one fixed random binarization.
Images cut at half intensity (`mnist` without *binarize sample*) have less noise and lower figures by construction. The
column says what the family can reach.

"""
TITLES = ("example", "data", "trained", "parameters", "size", "test figure", "published, other data")


def readme(figures: dict[str, dict[str, Any]]) -> str:
    """Markdown of the table.

    Args:
        figures: name of the example → its figures, see ``benchmarks.shipped.examples``.
    """
    rows = [_row(name, read_recipe(name), found) for name, found in sorted(figures.items())]
    lines = [TITLES, ("---",) * len(TITLES), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    machines = sorted({found["machine"] for found in figures.values()})
    return (
        HEAD
        + "\n".join("| " + " | ".join(line) + " |" for line in lines)
        + f"\n\n*Trained*: steps, and minutes of processor time on {'; '.join(machines)}, beside other work.\n"
    )


def _row(name: str, recipe: ExampleRecipe, found: dict[str, Any]) -> tuple[str, ...]:
    settings = ", ".join(f"{key} {value}" for key, value in recipe.data_config.items())
    return (
        f"`{name}`",
        f"`{recipe.data}`{', ' + settings if settings else ''}",
        f"{found['step']:,} steps, {found['cpu_minutes']} min",
        f"{found['parameters']:,}",
        f"{found['kilobytes'] / 1000:.1f} MB",
        _figure(found["test"]),
        "; ".join(f"{paper.nats} nats ({paper.what}; {paper.source})" for paper in _published(recipe)) or "–",
    )


def _published(recipe: ExampleRecipe) -> tuple[PaperResult, ...]:
    """Figures of the recipe; else those of the family on binary digits, where the example has binary digits too."""
    is_binary = recipe.data == "mnist" and recipe.data_config.get("levels", 2) == 2
    if recipe.papers or not is_binary or not (timed.FOLDER / f"{recipe.family}.toml").exists():
        return recipe.papers
    return timed.read_recipe(recipe.family, []).papers


def _figure(test: dict[str, Any]) -> str:
    images = "" if test["num_images"] == 1000 else f", {test['num_images']} images"
    if "nats" in test:
        warning = f". {test['warning']}" if "warning" in test else ""
        return (
            f"{test['nats']:.2f} ± {test['error_nats']:.2f} nats, {test['bits_per_dim']:.3f} bits/dim "
            f"({test['kind']}{images}){warning}"
        )
    if "mse" in test:
        return f"{test['mse']:.4f} mean squared error of reconstructions{images}"
    shares = ", ".join(f"{name.removeprefix('samples_')} {share}" for name, share in test["shares"].items())
    return f"{shares}{images}"

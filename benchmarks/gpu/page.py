"""The page of a GPU: device and versions, then a section for each part, from all results that are there."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.gpu.parts import PARTS
from benchmarks.gpu.results import Result, Results

Found = dict[str, Result]
NOT_YET = "Not measured yet."


def write_page(path: Path, results: Results) -> None:
    """Write the page, in place of an earlier one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(results), encoding="utf-8")


def page(results: Results) -> str:
    """Return the page as Markdown."""
    parts = [
        "# Benchmarks on a GPU",
        "`make gpu` writes this page from what it measured; `make gpu part=training` does one part.",
    ]
    if results.quick:
        parts.append(
            "**Quick**: small models for a moment, to see that everything runs. The numbers say nothing of the device."
        )
    parts.append(table(("", ""), results.machine.items()))
    for part in PARTS:
        title, section = SECTIONS[part]
        found = results.of(part)
        parts += [f"## {title}", section(good(found)) if good(found) else NOT_YET]
        parts += [
            f"- **failed**: {name}: {result['error'].splitlines()[0]}"
            for name, result in found.items()
            if "error" in result
        ]
    return "\n\n".join(parts) + "\n"


def good(found: Found) -> Found:
    """Return the results that are no failures."""
    return {name: result for name, result in found.items() if "error" not in result}


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; an empty head has no words."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _tests(found: Found) -> str:
    (result,) = found.values()
    text = f"{result['passed']} passed, {result['failed']} failed, {result['skipped']} skipped."
    return "\n".join([text, "", *(f"- failed: `{name}`" for name in result["failures"])]).strip()


def _training(found: Found) -> str:
    """Images per second by family: both precisions, without graphs and with them; what is said of graphs."""
    columns = [(precision, graphs) for precision in ("fp32", "bf16") for graphs in ("off", "auto")]
    head = ("images/s", *(f"{p}, {'CUDA graphs' if g == 'auto' else 'without graphs'}" for p, g in columns), "graphs")
    rows = []
    for family in _families(found):
        by = {(r["precision"], r["cuda_graphs"]): r for r in found.values() if r["family"] == family}
        said = [text for result in by.values() for text in result["updates"]]
        graphs = " ".join(dict.fromkeys(said)) or "–"
        rows.append([family, *(_rate(by.get(column)) for column in columns), graphs])
    first = next(iter(found.values()))
    intro = (
        f"Images of {first['image']} in batches of {first['batch']}, models of the sizes of the published comparison, "
        "through the engine with a run folder."
    )
    return f"{intro}\n\n{table(head, rows)}"


def _sampling(found: Found) -> str:
    rows = [
        [family, *_both(found, family, "sample_s", 3, "s"), _rate(_auto(found, family))] for family in _families(found)
    ]
    head = (
        f"a batch of {next(iter(found.values()))['batch']}, float32",
        "without graphs",
        "CUDA graphs, where pixels are captured",
        "images/s",
    )
    return table(head, rows)


def _stepping(found: Found) -> str:
    rows = [
        [family, *_both(found, family, "p50_ms", 2, "ms"), *_both(found, family, "p95_ms", 2, "ms")]
        for family in _families(found)
    ]
    head = ("one pixel step", "median, without graphs", "median, graphs", "95 %, without graphs", "95 %, graphs")
    return table(head, rows)


def _slider(found: Found) -> str:
    rows = []
    for family in _families(found):
        for training in (False, True):
            for result in found.values():
                if (result["family"], result["while_training"]) == (family, training):
                    times = [f"{result[name]:.1f} ms" for name in ("p50_ms", "p95_ms", "p99_ms", "window_stall_p99_ms")]
                    rate = f"{result['images_per_s_meanwhile']:,.0f}" if training else "–"
                    rows.append([family, "training" if training else "idle", *times, rate])
    head = ("slider to painted image", "engine", "p50", "p95", "p99", "window stall, p99", "trained images/s")
    return table(head, rows)


def _ddp(found: Found) -> str:
    skipped = next((result["skipped"] for result in found.values() if "skipped" in result), "")
    rows = []
    for r in found.values():
        if "skipped" not in r:
            rates = [f"{r[name]:,.0f}" for name in ("one_images_per_s", "all_images_per_s")]
            rows.append([r["family"], r["count"], *rates, f"{r['speedup']:.2f}", f"{r['loss_difference']:.1e}"])
    head = ("", "devices", "images/s on one", "images/s on all", "speedup", "largest difference of the losses")
    return skipped or table(head, rows)


def _families(found: Found) -> list[str]:
    return list(dict.fromkeys(result["family"] for result in found.values()))


def _rate(result: Result | None) -> str:
    return "–" if result is None else f"{result['images_per_s']:,.0f}"


def _auto(found: Found, family: str) -> Result | None:
    return next((r for r in found.values() if (r["family"], r["cuda_graphs"]) == (family, "auto")), None)


def _both(found: Found, family: str, key: str, digits: int, unit: str) -> list[str]:
    """Return a number without graphs and with them."""
    by = {r["cuda_graphs"]: r[key] for r in found.values() if r["family"] == family}
    return [f"{by[graphs]:.{digits}f} {unit}" if graphs in by else "–" for graphs in ("off", "auto")]


SECTIONS: dict[str, tuple[str, Callable[[Found], str]]] = {
    "tests": ("Tests", _tests),
    "training": ("Training", _training),
    "sampling": ("Sampling", _sampling),
    "stepping": ("Stepping", _stepping),
    "slider": ("Sliders", _slider),
    "ddp": ("Several devices", _ddp),
}

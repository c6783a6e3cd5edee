"""``gmstudio score`` of several runs, by any statistic, with images of any size, and against anomalous images."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmstudio.cli.json_output import Answer
from gmstudio.cli.run_data import with_options
from gmstudio.cli.terminal import new_console, warn
from gmstudio.cli.watcher import Watcher
from gmstudio.protocol.data import SPLITS
from gmstudio.protocol.density import StatisticSettings
from gmstudio.protocol.image_sets import DataImages, FolderImages
from gmstudio.runs.names import folder_of, typed_run
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    from rich.console import Console

    from gmstudio.engine.density.opened_images import OpenedImages
    from gmstudio.engine.density.scoring import Scores
    from gmstudio.engine.density.statistics.statistic import Statistic
    from gmstudio.engine.runtime.context import EngineContext
    from gmstudio.runs.record import RunRecord


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Options of the command; see ``gmstudio score --help``."""

    runs: tuple[str, ...]
    data: str
    data_dir: str
    split: str
    count: int
    images: str
    against: str
    against_split: str
    against_dir: str
    statistic: str
    num_samples: int
    labels: str | None
    background: str
    mutation: float
    worst: int
    seed: int
    accept_changed_data: bool
    device: str


def follow_scores(pieces: "Iterator[Scores]", console: "Console | None") -> "Scores":
    """Show the progress of scoring; return the scores."""
    from rich.progress import Progress

    with Progress(transient=True, console=console) as progress:
        task = progress.add_task("Scoring", total=None, visible=False)
        for scores in pieces:
            state = scores.progress
            title = state.stage[:1].upper() + state.stage[1:]
            progress.update(task, description=title, completed=state.done, total=state.total, visible=True)
    assert scores.over
    return scores


def score_runs(answer: Answer, wanted: Wanted) -> None:
    """Score images under each run, and fill the document.

    Raises:
        ValueError: when a run, the images or the statistic cannot be used.
    """
    from gmstudio.engine.density.statistics import statistic_named
    from gmstudio.engine.runtime.context import EngineContext
    from gmstudio.engine.runtime.device import choose_device

    kind = statistic_named(wanted.statistic)
    _check(wanted)
    context = EngineContext(lambda _event: None)
    context.device = choose_device(wanted.device)
    paths = [str(typed_run(run)) for run in wanted.runs]
    # An ensemble has one score of each image, whichever of its runs comes first.
    scored = paths[:1] if kind.card.needs == "ensemble" else paths
    entries = []
    for path in scored:
        entries.append(_score_run(answer, context, wanted, path, tuple(paths)))
    answer.put(statistic=kind.card.name, runs=entries, seed=wanted.seed)
    first = entries[0]
    same = {name: first[name] for name in ("run", "family", "family_title", "step", "data", "split", "images")}
    answer.put(**same, kind=first["kind_text"], samples=first["samples"], labels=first["labels"])
    answer.put(warnings=tuple(dict.fromkeys(text for entry in entries for text in entry["warnings"])))
    answer.put(conversion=first["conversion"], against=first["against"], anomaly=first["anomaly"], worst=first["worst"])
    if first["bits_per_dim"] is not None:
        nats = {"mean": first["mean"], "error": first["error"], "spread": first["spread"]}
        scale = first["bits_per_dim"] / first["mean"] if first["mean"] else 0.0
        bits = {"mean": first["bits_per_dim"], "error": -scale * first["error"], "spread": -scale * first["spread"]}
        answer.put(nats=nats, bits_per_dim=bits)


def _check(wanted: Wanted) -> None:
    """Check options that contradict one another.

    Raises:
        ValueError: when they do.
    """
    if wanted.images and (wanted.data or wanted.data_dir):
        raise ValueError(f"Both --images {wanted.images} and a data set are named; leave one of them out.")
    for name, split in (("split", wanted.split), ("against-split", wanted.against_split)):
        if split not in SPLITS:
            raise ValueError(f"--{name} is {split!r}; choose one of {', '.join(SPLITS)}.")
    if wanted.labels not in (None, "marginal", "given", "none"):
        raise ValueError(f"--labels is {wanted.labels!r}; choose one of marginal, given, none.")
    if wanted.background and wanted.statistic != "ratio":
        raise ValueError(f"--background belongs to --statistic ratio, not {wanted.statistic}; leave it out.")


def _score_run(
    answer: Answer, context: "EngineContext", wanted: Wanted, path: str, ensemble: tuple[str, ...]
) -> dict[str, Any]:
    """Score the images under one run; its entry in the document."""
    from gmstudio.engine.density.image_sets import open_now
    from gmstudio.engine.density.scores_handlers import ready, subject_for
    from gmstudio.engine.density.scoring import score_and_keep
    from gmstudio.engine.density.statistics import statistic_named
    from gmstudio.engine.runtime.beside import at_once
    from gmstudio.engine.runtime.context import ANY_FAMILY

    kind = statistic_named(wanted.statistic)
    loaded = context.model(path, ANY_FAMILY)
    warn(loaded.warnings)
    model: Any = loaded.model
    if wanted.labels is not None and not getattr(model, "num_classes", 0):
        raise ValueError(f"This {model.card.title} was not trained with labels; leave --labels out.")
    refusal = kind.refusal(model)
    if refusal:
        raise ValueError(f"{path}: {refusal}")
    with with_options():
        spec = _images(context, wanted, loaded.record)
        opened = open_now(context, spec, model.image)
    anomalous = _anomalous(context, wanted, model) if wanted.against else None
    settings = StatisticSettings(
        num_samples=wanted.num_samples,
        labels=wanted.labels or "marginal",  # type: ignore[arg-type]  # checked
        background=_background(answer, context, wanted, path) if kind.card.needs == "background" else "",
        ensemble=ensemble if kind.card.needs == "ensemble" else (),
    )
    subject = at_once(subject_for(context, path, kind, settings))
    statistic = at_once(ready(context, kind, subject, settings, wanted.seed, 0))
    console = answer.progress_console()
    typical = follow_scores(score_and_keep(statistic, opened, wanted.seed), console)
    entry = _entry(statistic, opened, typical, path, wanted)
    entry["warnings"] = (*loaded.warnings, *opened.warnings, *typical.warnings)
    _say(answer, entry, opened)
    if anomalous is not None:
        scores = follow_scores(score_and_keep(statistic, anomalous, wanted.seed), console)
        entry["anomaly"], remarks = _anomaly(statistic, typical.values, scores.values, wanted.seed)
        entry["against"] = {
            "data": wanted.against,
            "title": anomalous.title,
            "images": len(anomalous),
            "conversion": anomalous.conversion or None,
            "mean": _mean(scores.values),
            "kept": scores.kept,
        }
        entry["warnings"] = (*entry["warnings"], *anomalous.warnings, *scores.warnings, *remarks)
        _say_anomaly(answer, entry)
    if wanted.worst:
        entry["worst"] = _worst(statistic, opened, typical, wanted.worst)
        _say_worst(answer, entry)
    warn(tuple(entry["warnings"][len(loaded.warnings) :]))
    return entry


def _images(context: "EngineContext", wanted: Wanted, record: "RunRecord") -> DataImages | FolderImages:
    """Set of the images to be scored."""
    from gmstudio.engine.runtime.run_data import changes_since, load_run_data

    if wanted.images:
        return FolderImages(path=wanted.images, count=wanted.count)
    split: Any = wanted.split
    if wanted.data not in ("", record.data):
        config = {"folder": wanted.data_dir} if wanted.data_dir else {}
        return DataImages(data=wanted.data, data_config=config, split=split, count=wanted.count)
    dataset = load_run_data(context.data, record, wanted.data_dir, accept_changed=wanted.accept_changed_data)
    changes = changes_since(record, dataset)
    if changes:
        warn((f"The data are not those that this run was trained on: {'; '.join(changes)}.",))
    return DataImages(data=dataset.source, data_config=dataset.config, split=split, count=wanted.count)


def _anomalous(context: "EngineContext", wanted: Wanted, model: Any) -> "OpenedImages":
    """Open the anomalous images.

    Raises:
        ValueError: when they cannot be used; it names the option.
    """
    from gmstudio.engine.density.image_sets import open_now

    spec = _against(wanted)
    try:
        return open_now(context, spec, model.image)
    except ValueError as error:
        option = " Option: --against-dir FOLDER." if isinstance(spec, DataImages) and not wanted.against_dir else ""
        raise ValueError(f"--against {wanted.against}: {error}{option}") from error


def _against(wanted: Wanted) -> DataImages | FolderImages:
    """Set of the anomalous images.

    Raises:
        ValueError: when there is neither such a source nor such a file.
    """
    from gmstudio.data import SOURCES

    if wanted.against in SOURCES:
        config = {"folder": wanted.against_dir} if wanted.against_dir else {}
        split: Any = wanted.against_split
        return DataImages(data=wanted.against, data_config=config, split=split, count=wanted.count)
    if not typed_path(wanted.against).exists():
        raise ValueError(
            f"--against {wanted.against} is no data source and no file; choose one of {', '.join(SOURCES)}, a folder "
            "of pictures or a picture."
        )
    return FolderImages(path=wanted.against, count=wanted.count)


def _background(answer: Answer, context: "EngineContext", wanted: Wanted, path: str) -> str:
    """Background model of a run: the one that was named, else the newest, else one that is trained now.

    Raises:
        ValueError: when its training does not come to its end.
    """
    from rich.console import Console

    from gmstudio.engine.density.background import find_background, train_background
    from gmstudio.runs.library import runs_home
    from gmstudio.runs.record import read_record

    if wanted.background:
        return str(typed_run(wanted.background))
    found = find_background(runs_home(), path)
    if found:
        return found
    answer.line(f"There is no background model of {path}; one is trained on data with noise μ = {wanted.mutation:g}.")
    watcher = Watcher(Console(stderr=True) if answer.as_json else new_console())
    started: list[str] = []

    def start() -> Any:
        job = train_background(path, wanted.mutation, context.data, context.device, watcher.watch)
        started.append(job.name)
        return job

    whole = watcher.follow(start)
    if not whole or read_record(folder_of(started[0])).status != "finished":
        raise ValueError(
            f"The training of the background model {started[0]} has not come to its end. Resume it by gmstudio train "
            f"--resume --out {started[0]}, and score again."
        )
    return started[0]


def _entry(
    statistic: "Statistic", opened: "OpenedImages", scores: "Scores", path: str, wanted: Wanted
) -> dict[str, Any]:
    subject = statistic.subject
    finite = scores.values[np.isfinite(scores.values)]
    mean, count = _mean(scores.values), len(finite)
    spread = float(finite.std(ddof=1)) if count > 1 else math.nan
    is_likelihood = statistic.card.name == "log_prob"
    own = wanted.data or subject.record.data
    return {
        "run": path,
        "family": subject.model.card.name,
        "family_title": subject.model.card.title,
        "step": subject.step,
        "data": wanted.images or own,
        "split": None if wanted.images else wanted.split,
        "title": opened.title,
        "images": len(opened),
        "conversion": opened.conversion or None,
        "kind": statistic.kind,
        "kind_text": scores.kind_text,
        "unit": statistic.card.unit or None,
        "direction": statistic.card.direction,
        "mean": mean,
        "error": spread / math.sqrt(count) if count > 1 else math.nan,
        "spread": spread,
        "bits_per_dim": opened.image.bits_per_dim(-mean) if is_likelihood else None,
        "samples": getattr(statistic, "num_samples", None) if statistic.kind in ("lower bound", "estimate") else None,
        "labels": statistic.settings.labels if getattr(subject.model, "num_classes", 0) else None,
        "kept": scores.kept,
        "background": statistic.settings.background or None,
        "ensemble": list(statistic.settings.ensemble) or None,
        "against": None,
        "anomaly": None,
        "worst": None,
        "warnings": (),
    }


def _anomaly(
    statistic: "Statistic", typical: NDArray[np.float64], anomalous: NDArray[np.float64], seed: int
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Figures of a detector of anomalies by these scores, and sentences on them."""
    from gmstudio.engine.density.detection import detect, detection_warnings

    sign = 1 if statistic.card.direction == "anomalous" else -1
    curves = detect(typical, anomalous, sign, seed)
    names = ("auroc", "auroc_low", "auroc_high", "average_precision", "fpr_at_95")
    return {name: getattr(curves, name) for name in names}, detection_warnings(typical, anomalous)


def _worst(statistic: "Statistic", opened: "OpenedImages", scores: "Scores", count: int) -> list[dict[str, Any]]:
    """Images that are least likely, or most anomalous, by the statistic; those without a finite score come first."""
    from gmstudio.engine.density.scoring import sorted_rows

    order = sorted_rows(scores.values, descending=statistic.card.direction == "typical")[::-1][:count]
    return [
        {
            "index": int(row),
            "score": float(scores.values[row]),
            "error": None if scores.errors is None else float(scores.errors[row]),
            "label": None if opened.labels is None else _label(opened, int(opened.labels[row])),
            "name": opened.names[row] if opened.names else None,
        }
        for row in order
    ]


def _label(opened: "OpenedImages", label: int) -> str:
    return opened.label_names[label] if 0 <= label < len(opened.label_names) else str(label)


def _mean(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else math.nan


# ---- lines for people --------------------------------------------------------------------------------------------


def _images_text(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"


def _say(answer: Answer, entry: dict[str, Any], opened: "OpenedImages") -> None:
    answer.line(f"{entry['run']}")
    answer.line(f"{entry['family_title']} of step {entry['step']:,}, {_images_text(entry['images'])} of {opened.title}")
    if opened.conversion:
        answer.line(opened.conversion)
    unit = f" {entry['unit']}" if entry["unit"] else ""
    kept = f"; {entry['kept']:,} were kept from before" if entry["kept"] else ""
    error = f" ± {entry['error']:.4f}" if entry["images"] > 1 else ""
    answer.line(f"{entry['kind_text']}: {entry['mean']:.4f}{error}{unit}{kept}")
    if entry["bits_per_dim"] is not None:
        answer.line(f"{entry['bits_per_dim']:.5f} bits/dim")


def _say_anomaly(answer: Answer, entry: dict[str, Any]) -> None:
    found, other = entry["anomaly"], entry["against"]
    answer.line(f"against {_images_text(other['images'])} of {other['title']}, mean {other['mean']:.4f}:")
    if other["conversion"]:
        answer.line(other["conversion"])
    answer.line(
        f"AUROC {found['auroc']:.4f} (95 % interval {found['auroc_low']:.4f} to {found['auroc_high']:.4f}), average "
        f"precision {found['average_precision']:.4f}, false-positive rate at 95 % found {found['fpr_at_95']:.4f}"
    )


def _say_worst(answer: Answer, entry: dict[str, Any]) -> None:
    answer.line("least likely images:" if entry["direction"] == "typical" else "most anomalous images:")
    for image in entry["worst"]:
        error = "" if image["error"] is None else f" ± {image['error']:.4f}"
        what = ", ".join(filter(None, [image["name"], image["label"] and f"label {image['label']}"]))
        answer.line(f"image {image['index']:,}: {image['score']:.4f}{error}" + (f" ({what})" if what else ""))

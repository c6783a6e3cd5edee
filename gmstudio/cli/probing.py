"""``gmstudio probe``: classifiers on the features of a run with few labels, beside pixels and principal components."""

import io
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gmstudio.cli.json_output import Answer, JsonOption
from gmstudio.cli.options import SEED, AcceptChangedOption, DeviceOption, Real, Whole
from gmstudio.cli.run_data import load_data_for, with_options
from gmstudio.cli.terminal import warn
from gmstudio.runs.names import typed_run
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gmstudio.data.dataset import Dataset
    from gmstudio.engine.runtime.context import EngineContext
    from gmstudio.protocol.features import FeatureSpace, FeaturesProbed
    from gmstudio.protocol.features_fine_tuning import FineTuned

ALL = "all"
DEFAULT_LABELS = ("1", "10", "100")
SEEDS = Whole(1, 20, "Five do: the spread over them is printed beside the mean.")
NEIGHBOURS = Whole(1, 1000, "Five are usual.")
IMAGES = Whole(0, 1_000_000_000, "0 uses all images.")
STEPS = Whole(1, 100_000, "Some hundreds do with few labels.")
TIMESTEP = Whole(0, 100_000, "0 is the layer's default.")
RATE = Real(1e-8, 1.0, "Choose a larger one, at most 1.")
KEYS = (
    "run",
    "family",
    "family_title",
    "step",
    "data",
    "layer",
    "timestep",
    "features",
    "seed",
    "seeds",
    "neighbours",
    "test_images",
    "labels",
    "baselines",
    "fine_tuning",
    "file",
    "warnings",
)
"""Keys of the document."""


def probe(
    run: Annotated[str, typer.Argument(help="Run folder.")],
    layer: Annotated[str, typer.Option(help="Layer whose values are the features; left out: the run's default.")] = "",
    labels: Annotated[
        list[str] | None,
        typer.Option(help="Labelled images a class, or all; may be repeated. Left out: 1, 10 and 100."),
    ] = None,
    seeds: Annotated[int, typer.Option(parser=SEEDS, help="Choices of the labelled images.")] = 5,
    neighbours: Annotated[
        int, typer.Option(parser=NEIGHBOURS, help="k of the nearest neighbours, at most the labels a class.")
    ] = 5,
    timestep: Annotated[
        int, typer.Option(parser=TIMESTEP, help="Timestep of a diffusion model's layer; 0: the layer's default.")
    ] = 0,
    max_train: Annotated[
        int, typer.Option("--max-train", parser=IMAGES, help="Training images that labels are chosen of; 0: all.")
    ] = 0,
    max_test: Annotated[
        int, typer.Option("--max-test", parser=IMAGES, help="Test images that are classified; 0: all.")
    ] = 0,
    no_baselines: Annotated[
        bool, typer.Option("--no-baselines", help="Leave out pixels and their principal components.")
    ] = False,
    fine_tune: Annotated[
        bool, typer.Option("--fine-tune", help="Train the encoder on as a classifier, beside a frozen and a new one.")
    ] = False,
    steps: Annotated[int, typer.Option(parser=STEPS, help="Steps of the fine-tuning.")] = 300,
    learning_rate: Annotated[
        float, typer.Option("--learning-rate", parser=RATE, help="Learning rate of the fine-tuning.")
    ] = 1e-3,
    features: Annotated[
        str, typer.Option(help="File (.npz) for the features and labels of the training and test images.")
    ] = "",
    data_dir: Annotated[str, typer.Option("--data-dir", help="Folder of the data set's files.")] = "",
    seed: Annotated[int, typer.Option(parser=SEED, help="Seed of the first choice of labelled images.")] = 0,
    accept_changed_data: AcceptChangedOption = False,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Test accuracy of classifiers on a run's features with few labels: a linear probe and nearest neighbours.

    The linear probe is a logistic regression on standardized features, its C chosen by cross-validation on the labelled
    images. Mean and spread over choices of these, for the run, its pixels and their principal components.
    """
    from gmstudio.engine.features.layers import layer_of
    from gmstudio.engine.runtime.context import ANY_FAMILY, EngineContext
    from gmstudio.engine.runtime.device import choose_device
    from gmstudio.protocol.features import PCA, PIXELS, FeatureSpace, ProbeFeatures

    counts = tuple(dict.fromkeys(_count(text) for text in labels or DEFAULT_LABELS))
    if features and typed_path(features).suffix != ".npz":
        raise ValueError(f"--features {features}: the features are written as a NumPy archive; name a file .npz.")
    path = str(typed_run(run))
    context = EngineContext(lambda _event: None)
    context.device = choose_device(device)
    loaded = context.model(path, ANY_FAMILY)
    warn(loaded.warnings)
    with with_options():
        dataset = load_data_for(loaded, "", data_dir, accept_changed=accept_changed_data)
    card, own = loaded.model.card, layer_of(loaded.model, layer)
    answer = Answer(KEYS, as_json=as_json)
    answer.put(run=typed_run(run).absolute(), family=card.name, family_title=card.title, step=loaded.step)
    answer.put(data=loaded.record.data, layer=own.name, features=own.num_dims, seed=seed, seeds=seeds)
    answer.put(neighbours=neighbours, timestep=(timestep or own.default_timestep) if own.max_timestep else None)
    spaces = {"": FeatureSpace(run=path, layer=own.name, timestep=timestep)}
    if not no_baselines:
        spaces |= {name: FeatureSpace(layer=name) for name in (PIXELS, PCA)}
    warnings: list[str] = list(loaded.warnings)
    found: dict[str, object] = {}
    for name, space in spaces.items():
        command = ProbeFeatures(
            request=0,
            space=space,
            run=path,
            labels_per_class=counts,
            num_seeds=seeds,
            neighbours=neighbours,
            seed=seed,
            max_train=max_train,
            max_test=max_test,
        )
        probed = _probe(answer, context, dataset, command)
        warnings += [text for text in probed.warnings if text not in warnings]
        found[name] = _accuracies(answer, probed)
        if not name:
            answer.put(labels=found[name], test_images=len(probed.test_labels.numpy()))
    if not no_baselines:
        answer.put(baselines={name: found[name] for name in (PIXELS, PCA)})
    if fine_tune:
        settings = {"steps": steps, "learning_rate": learning_rate, "num_seeds": seeds, "max_test": max_test}
        answer.put(
            fine_tuning=[
                _fine_tune(answer, context, dataset, spaces[""], {**settings, "labels_per_class": count, "seed": seed})
                for count in counts
            ]
        )
    if features:
        target = typed_path(features)
        limits = {"train": max_train, "test": max_test}
        written = _write(answer, context, dataset, spaces[""], target, limits, seed)
        answer.put(file=target.absolute())
        answer.line(f"{written} in {target}")
    answer.put(warnings=warnings)
    warn(tuple(warnings[len(loaded.warnings) :]))
    answer.close()


def _count(text: str) -> int:
    """Labelled images a class; 0: all.

    Raises:
        ValueError: for anything but ``all`` and numbers from 1.
    """
    if text == ALL:
        return 0
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= 1_000_000:
        raise ValueError(f"--labels {text}: give a number of labelled images a class from 1 to 1,000,000, or {ALL}.")
    return number


def _probe(answer: Answer, context: "EngineContext", dataset: "Dataset", command: Any) -> "FeaturesProbed":
    from gmstudio.engine.features.probe import Probe
    from gmstudio.protocol.features import FeaturesProbed

    found = _followed(answer, Probe(context, dataset, command).run())
    assert isinstance(found, FeaturesProbed)
    return found


def _followed(answer: Answer, events: "Iterable[FeaturesProbed | FineTuned | None]") -> object:
    """Show the progress of work; return its last event."""
    from rich.progress import Progress

    last: FeaturesProbed | FineTuned | None = None
    with Progress(transient=True, console=answer.progress_console()) as progress:
        task = progress.add_task("", total=1.0)
        for event in events:
            if event is not None:
                last = event
                progress.update(task, description=event.progress.stage, completed=max(0.0, event.progress.share))
    return last


def _accuracies(answer: Answer, probed: "FeaturesProbed") -> list[dict[str, object]]:
    """Print the accuracies in a space; return them for the document."""
    answer.line(f"{probed.title}, {len(probed.test_labels.numpy()):,} test images:")
    rows: list[dict[str, object]] = []
    for result in probed.results:
        linear, nearest = result.linear.numpy(), result.neighbours.numpy()
        rows.append(
            {
                "labels_per_class": result.labels_per_class or ALL,
                "num_labels": result.num_labels,
                "linear_mean": float(linear.mean()),
                "linear_std": _spread(linear),
                "neighbours_mean": float(nearest.mean()),
                "neighbours_std": _spread(nearest),
                "regularization": result.regularization.numpy().tolist(),
            }
        )
        answer.line(
            f"  {_labels_text(result.labels_per_class)}: linear probe {_share(linear)}, neighbours {_share(nearest)}"
        )
    return rows


def _fine_tune(
    answer: Answer, context: "EngineContext", dataset: "Dataset", space: "FeatureSpace", settings: dict[str, Any]
) -> dict[str, object]:
    from gmstudio.engine.features.fine_tuning import FineTuning
    from gmstudio.protocol.features_fine_tuning import FineTune, FineTuned

    command = FineTune(request=0, space=space, run=space.run, **settings)
    found = _followed(answer, FineTuning(context, dataset, command).run())
    assert isinstance(found, FineTuned)
    row: dict[str, object] = {"labels_per_class": command.labels_per_class or ALL, "steps": command.steps}
    words = []
    for curve in found.curves:
        last = curve.accuracies.numpy()[:, -1]
        row[curve.kind.replace("-", "_")] = {"mean": float(last.mean()), "std": _spread(last)}
        words.append(f"{curve.kind} {_share(last)}")
    text = f"  {_labels_text(command.labels_per_class)}, {command.steps:,} steps: {', '.join(words)}"
    answer.line(text)
    return row


def _spread(accuracies: Any) -> float | None:
    """Sample standard deviation over the seeds; None for one."""
    return float(accuracies.std(ddof=1)) if len(accuracies) > 1 else None


def _share(accuracies: Any) -> str:
    spread = _spread(accuracies)
    return f"{accuracies.mean():.4f}" + ("" if spread is None else f" ± {spread:.4f}")


def _labels_text(count: int) -> str:
    return "all labels" if not count else f"{count:,} {'label' if count == 1 else 'labels'} a class"


def _write(
    answer: Answer,
    context: "EngineContext",
    dataset: "Dataset",
    space: "FeatureSpace",
    target: "Path",
    limits: dict[str, int],
    seed: int,
) -> str:
    """Write features and labels of training and test images; return words on them."""
    import numpy as np
    from rich.progress import track

    from gmstudio.engine.features.extraction import features_of
    from gmstudio.runs.atomic import replace_file

    arrays: dict[str, Any] = {}
    for name, most in limits.items():
        part = dataset.split(name)
        rows = np.arange(min(most or len(part), len(part)))
        if not len(rows):
            continue
        pieces = features_of(context, space, dataset.view(name, rows), dataset.image, seed=seed)
        shown = track(pieces, description=f"Features, {name}", transient=True, console=answer.progress_console())
        *_, found = shown
        assert found is not None
        arrays[f"{name}_features"] = found.values
        if part.labels is not None:
            arrays[f"{name}_labels"] = part.labels[rows]

    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    replace_file(target, buffer.getvalue())
    shapes = {name: array.shape for name, array in arrays.items() if array.ndim == 2}
    return "Features written: " + ", ".join(f"{name} {rows:,}×{size:,}" for name, (rows, size) in shapes.items())

"""``gmstudio score``: log-likelihood of images under a run's latest checkpoint, or what replaces it for the family."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gmstudio.cli.json_output import Answer, JsonOption
from gmstudio.cli.options import SEED, AcceptChangedOption, DeviceOption, Real, Whole
from gmstudio.cli.run_data import load_data_for, with_options
from gmstudio.cli.terminal import warn
from gmstudio.protocol.data import SPLITS
from gmstudio.runs.names import typed_run

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from gmstudio.data.dataset import Dataset
    from gmstudio.engine.evaluation.likelihood import Score
    from gmstudio.engine.runtime.models import Loaded
    from gmstudio.families.base import Preparation

T = TypeVar("T")
COUNT = Whole(0, 1_000_000_000, "0 scores all images of the split.")
WORST = Whole(0, 1_000, "Choose fewer; the scores of all images are in the Density panel.")
MUTATION = Real(0.001, 1.0, "0.1 to 0.3 is usual.")
SAMPLES = Whole(1, 100_000, "Some thousands do: the error falls with the square root of their number only.")
LABELS = ("marginal", "given", "none")
KEYS = (
    "run",
    "family",
    "family_title",
    "step",
    "data",
    "split",
    "images",
    "seed",
    "warnings",
    "kind",
    "nats",
    "bits_per_dim",
    "samples",
    "labels",
    "reverse_annealing",
    "sample_quality",
    "reconstruction",
    "statistic",
    "runs",
    "against",
    "anomaly",
    "conversion",
    "worst",
)
"""Keys of the document; the last six are filled by ``scoring_runs``."""

SHARES = {
    "samples_precision": "precision: share of samples within the data's support",
    "samples_recall": "recall: share of the data within the samples' support",
    "samples_density": "density: mean number of the images' neighbourhoods that a sample lies in, relative to k",
    "samples_coverage": "coverage: share of the images with a sample in their neighbourhood",
    "samples_classes": "classes covered: share of the data's labels that a classifier finds among the samples",
}


def score(
    run: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run folder, or several.")],
    data: Annotated[str, typer.Option(help="Another data source than the run's own, with its default settings.")] = "",
    data_dir: Annotated[str, typer.Option("--data-dir", help="Folder of the data set's files.")] = "",
    split: Annotated[str, typer.Option(help=f"Part of the data set: {', '.join(SPLITS)}.")] = "test",
    count: Annotated[int, typer.Option("-n", "--count", parser=COUNT, help="Most images that are scored; 0: all.")] = 0,
    num_samples: Annotated[
        int | None,
        typer.Option(
            "--samples",
            parser=SAMPLES,
            help="Monte Carlo samples per image, of an importance-weighted estimate (default: 100) or of a bound "
            "(default: 10,000 divided by the number of images, at most 100); 1: the plain bound.",
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            help="Likelihood of a class-conditional model: marginal, log p(x) as a mixture over the labels (default; a "
            "pass for each label); given, log p(x | label) of each image's own label; none, log p(x) without label.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(parser=SEED, help="Seed of all random draws.")] = 0,
    statistic: Annotated[
        str,
        typer.Option(
            help="Statistic of the images: log_prob (default), ratio, complexity, typicality, waic, reconstruction or "
            "discriminator.",
        ),
    ] = "",
    images: Annotated[str, typer.Option(help="Folder of pictures, or a picture, instead of a data set.")] = "",
    against: Annotated[
        str, typer.Option(help="Anomalous images to detect: a data source, or a folder of pictures or a picture.")
    ] = "",
    against_split: Annotated[
        str, typer.Option("--against-split", help=f"Part of that data set: {', '.join(SPLITS)}.")
    ] = "test",
    against_dir: Annotated[str, typer.Option("--against-dir", help="Folder of that data set's files.")] = "",
    background: Annotated[
        str,
        typer.Option(help="Run of the background model of the ratio; left out: the newest one, else one is trained."),
    ] = "",
    mutation: Annotated[
        float, typer.Option(parser=MUTATION, help="Noise of the data of a background model that is trained here.")
    ] = 0.3,
    worst: Annotated[int, typer.Option(parser=WORST, help="Number of least likely images to list.")] = 0,
    accept_changed_data: AcceptChangedOption = False,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Log-likelihood of images under a run's latest checkpoint: nats and bits per dimension, mean and spread.

    Exact, an importance-weighted estimate or a bound, by family. For families without likelihood: sample quality
    (precision, recall, density, coverage); for autoencoders: reconstruction error.

    Of several runs, or by another statistic, too: images of any size are converted, and --against detects anomalous
    images.
    Scores are kept with their run, so that none is computed twice.
    """
    answer = Answer(KEYS, as_json=as_json)
    if len(run) > 1 or statistic or images or against or background or worst:
        from gmstudio.cli.scoring_runs import Wanted, score_runs

        wanted = Wanted(
            runs=tuple(run),
            data=data,
            data_dir=data_dir,
            split=split,
            count=count,
            images=images,
            against=against,
            against_split=against_split,
            against_dir=against_dir,
            statistic=statistic or "log_prob",
            num_samples=num_samples or 0,
            labels=labels,
            background=background,
            mutation=mutation,
            worst=worst,
            seed=seed,
            accept_changed_data=accept_changed_data,
            device=device,
        )
        score_runs(answer, wanted)
        answer.close()
        return
    from gmstudio.engine.evaluation.likelihood import has_likelihood
    from gmstudio.engine.evaluation.reconstruction import reconstructs
    from gmstudio.engine.evaluation.sample_quality import only_generates
    from gmstudio.engine.runtime.device import choose_device
    from gmstudio.engine.runtime.models import ModelCache

    (only,) = run
    loaded = ModelCache().load(str(typed_run(only)), choose_device(device))
    warn(loaded.warnings)
    with with_options():
        dataset = load_data_for(loaded, data, data_dir, accept_changed=accept_changed_data)
    name = data or loaded.record.data
    part = dataset.split(split)
    size = min(count or len(part), len(part))
    card = loaded.model.card
    answer.line(f"{card.title} of step {loaded.step:,}, {size:,} {split} images of {name}")
    answer.put(run=typed_run(only).absolute(), family=card.name, family_title=card.title, step=loaded.step)
    answer.put(data=name, split=split, images=size, seed=seed, warnings=loaded.warnings)
    if only_generates(loaded.model):
        _samples(answer, loaded.model, dataset, split, size, seed)
    elif reconstructs(loaded.model) and not has_likelihood(loaded.model):
        _reconstructions(answer, loaded.model, dataset, split, size)
    else:  # raises the error for a third-party family without any of these
        _likelihood(answer, typed_run(only), loaded, dataset, split, size, num_samples, labels, seed)
    answer.close()


def _likelihood(
    answer: Answer,
    path: "Path",
    loaded: "Loaded",
    dataset: "Dataset",
    split: str,
    size: int,
    num_samples: int | None,
    choice: str | None,
    seed: int,
) -> None:
    from gmstudio.cli.scoring_runs import follow_scores
    from gmstudio.engine.density.opened_images import OpenedImages
    from gmstudio.engine.density.scoring import score_and_keep
    from gmstudio.engine.density.statistics.log_prob import LogProb
    from gmstudio.engine.density.subject import Subject
    from gmstudio.engine.density.subjects import weights_digest
    from gmstudio.engine.evaluation.label_mixture import MAX_LABELS, label_mixture
    from gmstudio.engine.evaluation.likelihood import Score, default_samples, kind_of_score
    from gmstudio.protocol.density import StatisticSettings

    model: Any = loaded.model
    images, part = dataset.view(split, range(size)), dataset.split(split)
    _check_choice(choice, model, has_labels=part.labels is not None)
    labels = part.labels[:size] if part.labels is not None and choice == "given" else None
    if labels is not None:
        model.check_trained(labels.tolist())
    is_mixed = choice in (None, "marginal") and label_mixture(model, dataset.train.labels) is not None
    if choice == "marginal" and not is_mixed:
        raise ValueError(f"A mixture takes 1 to {MAX_LABELS} labels of training images; use --labels given or none.")
    num_samples = default_samples(model, size) if num_samples is None else num_samples
    kind_of_score(model, num_samples)  # raises where there is no likelihood
    subject = Subject(str(path), model, weights_digest(model), loaded.step, loaded.record, lambda: dataset)
    settings = StatisticSettings(num_samples=num_samples, labels=_labels_of(model, choice, mixed=is_mixed) or "none")
    opened = OpenedImages(images, dataset.image, labels, (), split)
    pieces = score_and_keep(LogProb(subject, settings, seed), opened, seed)
    scores = follow_scores(pieces, answer.progress_console())
    result = Score(scores.kind_text, scores.values, model.image)
    warn(scores.warnings)
    error, spread = (result.image.bits_per_dim(nats) for nats in (result.error_nats, result.spread_nats))
    answer.put(kind=result.kind, warnings=(*loaded.warnings, *scores.warnings), samples=num_samples)
    answer.put(labels=_labels_of(model, choice, mixed=is_mixed))
    answer.put(nats={"mean": result.mean_nats, "error": result.error_nats, "spread": result.spread_nats})
    answer.put(bits_per_dim={"mean": result.bits_per_dim, "error": error, "spread": spread})
    answer.line(f"{result.kind}:")
    if len(images) == 1:
        answer.line(f"{result.mean_nats:.4f} nats")
        answer.line(f"{result.bits_per_dim:.5f} bits/dim")
        return
    answer.line(f"{result.mean_nats:.4f} ± {result.error_nats:.4f} nats, spread {result.spread_nats:.4f} nats")
    answer.line(f"{result.bits_per_dim:.5f} ± {error:.5f} bits/dim, spread {spread:.5f} bits/dim")
    _conservative(answer, model, images, result, seed)


def _labels_of(model: Any, choice: str | None, *, mixed: bool) -> Any:
    """Which likelihood of a class-conditional model was taken, one of ``LABELS``; None for any other model."""
    if not getattr(model, "num_classes", 0):
        return None
    return choice or ("marginal" if mixed else "none")


def _conservative(answer: Answer, model: Any, images: "NDArray[np.uint8]", result: "Score", seed: int) -> None:
    """Print the estimate from the other side, for a model that has one."""
    from gmstudio.engine.evaluation.conservative import NUM_CHAINS, conservative_score

    for score in _follow(conservative_score(model, images, result.nats, seed), answer.progress_console()):
        answer.put(
            reverse_annealing={
                "mean_nats": score.mean_nats,
                "error_nats": score.error_nats,
                "images": len(score.nats),
                "chains": NUM_CHAINS,
                "estimate_nats": score.estimate_nats,
            }
        )
        answer.line(
            f"reverse annealing (RAISE), lower bound in expectation of what the annealing itself generates, "
            f"{len(score.nats)} images, {NUM_CHAINS} chains each:"
        )
        answer.line(
            f"{score.mean_nats:.4f} ± {score.error_nats:.4f} nats; for the same images the figure above is "
            f"{score.estimate_nats:.4f} nats"
        )


def _follow(pieces: "Iterator[Preparation | T]", console: "Console | None") -> "list[T]":
    """Show the progress of a computation; return what it yields besides."""
    from rich.progress import Progress

    from gmstudio.families.base import Preparation

    found: list[T] = []
    with Progress(transient=True, console=console) as progress:
        task = progress.add_task("", total=1.0, visible=False)
        for piece in pieces:
            if isinstance(piece, Preparation):
                title = piece.title[:1].upper() + piece.title[1:]
                progress.update(task, description=title, completed=piece.share, visible=True)
            else:
                found.append(piece)
    return found


def _check_choice(choice: str | None, model: Any, *, has_labels: bool) -> None:
    """Raise a ValueError unless the model and the data have the likelihood that was chosen."""
    if choice is None:
        return
    if choice not in LABELS:
        raise ValueError(f"--labels is {choice!r}; choose one of {', '.join(LABELS)}.")
    if not getattr(model, "num_classes", 0):
        raise ValueError(f"This {model.card.title} was not trained with labels; leave --labels out.")
    if choice == "given" and not has_labels:
        raise ValueError("The images have no labels to be given; use --labels marginal or none.")


def _samples(answer: Answer, model: Any, dataset: "Dataset", split: str, size: int, seed: int) -> None:
    from gmstudio.engine.evaluation.sample_quality import NUM_COMPARED, SampleQuality

    if not size:
        raise ValueError("There are no images to compare samples with; choose another split or include more classes.")
    quality = SampleQuality(dataset, model.device, seed, split, min(size, NUM_COMPARED))
    shares = next(found for found in quality.measure(model) if found is not None)
    answer.put(sample_quality={name.removeprefix("samples_"): share for name, share in shares.items()})
    answer.put(samples=quality.num_compared)
    answer.line(f"no likelihood; sample quality of {quality.num_compared} samples against as many images:")
    for name, share in shares.items():
        answer.line(f"{share:.3f} {SHARES[name]}")


def _reconstructions(answer: Answer, model: Any, dataset: "Dataset", split: str, size: int) -> None:
    from gmstudio.engine.evaluation.reconstruction import reconstruction_errors

    pieces = reconstruction_errors(model, dataset.view(split, range(size)))
    errors = next(found for found in pieces if found is not None)
    answer.put(reconstruction={"mean_squared_error": float(errors.mean()), "spread": float(errors.std())})
    answer.line("no likelihood, since the family is not a generative model; reconstruction error, black 0 and white 1:")
    answer.line(f"{errors.mean():.6f} mean squared error per sub-pixel, spread {errors.std():.6f} from image to image")

"""``gmstudio score``: log-likelihood of images under a run's latest checkpoint, or what replaces it for the family."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gmstudio.cli.options import SEED, AcceptChangedOption, DeviceOption, Whole
from gmstudio.cli.run_data import load_data_for, with_options
from gmstudio.cli.terminal import say, warn
from gmstudio.protocol.data import SPLITS
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gmstudio.data.dataset import Dataset
    from gmstudio.engine.evaluation.likelihood import Score
    from gmstudio.families.base import Preparation

T = TypeVar("T")
COUNT = Whole(0, 1_000_000_000, "0 scores all images of the split.")
SAMPLES = Whole(1, 100_000, "Some thousands do: the error falls with the square root of their number only.")
LABELS = ("marginal", "given", "none")
SHARES = {
    "samples_precision": "precision: share of samples within the data's support",
    "samples_recall": "recall: share of the data within the samples' support",
    "samples_density": "density: mean number of the images' neighbourhoods that a sample lies in, relative to k",
    "samples_coverage": "coverage: share of the images with a sample in their neighbourhood",
    "samples_classes": "classes covered: share of the data's labels that a classifier finds among the samples",
}


def score(
    run: Annotated[str, typer.Argument(help="Run folder.")],
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
    accept_changed_data: AcceptChangedOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Log-likelihood of images under a run's latest checkpoint: nats and bits per dimension, mean and spread.

    Exact, an importance-weighted estimate or a bound, by family. For families without likelihood: sample quality
    (precision, recall, density, coverage); for autoencoders: reconstruction error.
    """
    from gmstudio.engine.evaluation.likelihood import has_likelihood
    from gmstudio.engine.evaluation.reconstruction import reconstructs
    from gmstudio.engine.evaluation.sample_quality import only_generates
    from gmstudio.engine.runtime.device import choose_device
    from gmstudio.engine.runtime.models import ModelCache

    loaded = ModelCache().load(str(typed_path(run)), choose_device(device))
    warn(loaded.warnings)
    with with_options():
        dataset = load_data_for(loaded, data, data_dir, accept_changed=accept_changed_data)
    name = data or loaded.record.data
    part = dataset.split(split)
    size = min(count or len(part), len(part))
    say(f"{loaded.model.card.title} of step {loaded.step:,}, {size:,} {split} images of {name}")
    if only_generates(loaded.model):
        _samples(loaded.model, dataset, split, size, seed)
    elif reconstructs(loaded.model) and not has_likelihood(loaded.model):
        _reconstructions(loaded.model, dataset, split, size)
    else:  # raises the error for a third-party family without any of these
        _likelihood(loaded.model, dataset, split, size, num_samples, labels, seed)


def _likelihood(
    model: Any, dataset: "Dataset", split: str, size: int, num_samples: int | None, choice: str | None, seed: int
) -> None:
    from rich.progress import track

    from gmstudio.engine.evaluation.label_mixture import MAX_LABELS, label_mixture
    from gmstudio.engine.evaluation.likelihood import batch_size, default_samples, prepare
    from gmstudio.engine.evaluation.likelihood import score as score_images

    images, part = dataset.view(split, range(size)), dataset.split(split)
    _check_choice(choice, model, has_labels=part.labels is not None)
    labels = part.labels[:size] if part.labels is not None and choice == "given" else None
    if labels is not None:
        model.check_trained(labels.tolist())
    mixture = label_mixture(model, dataset.train.labels) if choice in (None, "marginal") else None
    if choice == "marginal" and mixture is None:
        raise ValueError(f"A mixture takes 1 to {MAX_LABELS} labels of training images; use --labels given or none.")
    num_samples = default_samples(model, size) if num_samples is None else num_samples
    _follow(prepare(model, num_samples, seed))
    pieces = score_images(model, images, num_samples, seed, labels, mixture)
    batches = -(-len(images) // batch_size(model, num_samples))
    result = next(p for p in track(pieces, total=batches, description="Scoring", transient=True) if p is not None)
    warn(tuple(filter(None, [result.warning])))
    say(f"{result.kind}:")
    if len(images) == 1:
        say(f"{result.mean_nats:.4f} nats")
        say(f"{result.bits_per_dim:.5f} bits/dim")
        return
    error, spread = (result.image.bits_per_dim(nats) for nats in (result.error_nats, result.spread_nats))
    say(f"{result.mean_nats:.4f} ± {result.error_nats:.4f} nats, spread {result.spread_nats:.4f} nats")
    say(f"{result.bits_per_dim:.5f} ± {error:.5f} bits/dim, spread {spread:.5f} bits/dim")
    _conservative(model, images, result, seed)


def _conservative(model: Any, images: "NDArray[np.uint8]", result: "Score", seed: int) -> None:
    """Print the estimate from the other side, for a model that has one."""
    from gmstudio.engine.evaluation.conservative import NUM_CHAINS, conservative_score

    for score in _follow(conservative_score(model, images, result.nats, seed)):
        say(
            f"reverse annealing (RAISE), lower bound in expectation of what the annealing itself generates, "
            f"{len(score.nats)} images, {NUM_CHAINS} chains each:"
        )
        say(
            f"{score.mean_nats:.4f} ± {score.error_nats:.4f} nats; for the same images the figure above is "
            f"{score.estimate_nats:.4f} nats"
        )


def _follow(pieces: "Iterator[Preparation | T]") -> "list[T]":
    """Show the progress of a computation; return what it yields besides."""
    from rich.progress import Progress

    from gmstudio.families.base import Preparation

    found: list[T] = []
    with Progress(transient=True) as progress:
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


def _samples(model: Any, dataset: "Dataset", split: str, size: int, seed: int) -> None:
    from gmstudio.engine.evaluation.sample_quality import NUM_COMPARED, SampleQuality

    if not size:
        raise ValueError("There are no images to compare samples with; choose another split or include more classes.")
    quality = SampleQuality(dataset, model.device, seed, split, min(size, NUM_COMPARED))
    shares = next(found for found in quality.measure(model) if found is not None)
    say(f"no likelihood; sample quality of {quality.num_compared} samples against as many images:")
    for name, share in shares.items():
        say(f"{share:.3f} {SHARES[name]}")


def _reconstructions(model: Any, dataset: "Dataset", split: str, size: int) -> None:
    from gmstudio.engine.evaluation.reconstruction import reconstruction_errors

    pieces = reconstruction_errors(model, dataset.view(split, range(size)))
    errors = next(found for found in pieces if found is not None)
    say("no likelihood, since the family is not a generative model; reconstruction error, black 0 and white 1:")
    say(f"{errors.mean():.6f} mean squared error per sub-pixel, spread {errors.std():.6f} from image to image")

"""``gmstudio score``: how likely a run's latest checkpoint finds images."""

from typing import Annotated, Any

import typer

from gmstudio.cli.options import DeviceOption, warn
from gmstudio.cli.run_data import load_run_data


def score(
    run: Annotated[str, typer.Argument(help="Run folder.")],
    data: Annotated[str, typer.Option(help="Another data source than the run's own, with its default settings.")] = "",
    data_dir: Annotated[str, typer.Option("--data-dir", help="Folder of the data set's files.")] = "",
    split: Annotated[str, typer.Option(help="train, valid or test")] = "test",
    count: Annotated[int, typer.Option("-n", "--count", min=0, help="At most so many images; 0: all.")] = 0,
    num_samples: Annotated[
        int | None,
        typer.Option(
            "--samples",
            min=1,
            help="Draws an image: of an importance-weighted estimate (100 if left out), or of a bound (1 if left out); "
            "1 asks for the plain bound.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Fixes their noise.")] = 0,
    device: DeviceOption = "auto",
) -> None:
    """How likely a run's latest checkpoint finds images: nats and bits per dimension, mean and spread."""
    from rich.progress import track

    from gmstudio.engine.device import choose_device
    from gmstudio.engine.models import ModelShelf
    from gmstudio.engine.score import batch_size, default_samples
    from gmstudio.engine.score import score as score_images

    loaded = ModelShelf().load(run, choose_device(device))
    warn(loaded.warnings)
    dataset, name = load_run_data(loaded, data, data_dir), data or loaded.record.data
    part = dataset.split(split)
    size = min(count or len(part), len(part))
    images = dataset.view(split, range(size))
    num_classes: Any = getattr(loaded.model, "num_classes", 0)
    labels = part.labels[:size] if part.labels is not None and num_classes else None
    num_samples = default_samples(loaded.model) if num_samples is None else num_samples
    pieces = score_images(loaded.model, images, num_samples, seed, labels)
    batches = -(-len(images) // batch_size(loaded.model.image))
    result = next(p for p in track(pieces, total=batches, description="Scoring", transient=True) if p is not None)
    typer.echo(f"{loaded.model.card.title} of step {loaded.step:,}, {len(images):,} {split} images of {name}")
    typer.echo(f"{result.kind}:")
    if len(images) == 1:
        typer.echo(f"{result.mean_nats:.4f} nats")
        typer.echo(f"{result.bits_per_dim:.5f} bits/dim")
        return
    error, spread = (result.image.bits_per_dim(nats) for nats in (result.error_nats, result.spread_nats))
    typer.echo(f"{result.mean_nats:.4f} ± {result.error_nats:.4f} nats, spread {result.spread_nats:.4f} nats")
    typer.echo(f"{result.bits_per_dim:.5f} ± {error:.5f} bits/dim, spread {spread:.5f} bits/dim")

"""``gmstudio score``: how likely a run's latest checkpoint finds images."""

from typing import Annotated, Any

import typer

from gmstudio.cli.options import DeviceOption, warn


def score(
    run: Annotated[str, typer.Argument(help="Run folder.")],
    data: Annotated[str, typer.Option(help="Another data source than the run's own, with its default settings.")] = "",
    data_dir: Annotated[str, typer.Option("--data-dir", help="Folder of the data set's files.")] = "",
    split: Annotated[str, typer.Option(help="train, valid or test")] = "test",
    count: Annotated[int, typer.Option("-n", "--count", min=0, help="At most so many images; 0: all.")] = 0,
    num_samples: Annotated[
        int, typer.Option("--samples", min=1, help="Of an importance-weighted estimate; 1: the plain bound.")
    ] = 100,
    seed: Annotated[int, typer.Option(help="Fixes the estimate's noise.")] = 0,
    device: DeviceOption = "auto",
) -> None:
    """How likely a run's latest checkpoint finds images: nats and bits per dimension, mean and spread."""
    from rich.progress import track

    from gmstudio.engine.device import choose_device
    from gmstudio.engine.models import DataShelf, ModelShelf
    from gmstudio.engine.score import BATCH
    from gmstudio.engine.score import score as score_images

    loaded = ModelShelf().load(run, choose_device(device))
    warn(loaded.warnings)
    name = data or loaded.record.data
    settings: dict[str, Any] = {"levels": loaded.model.image.levels}
    if name == loaded.record.data:
        settings = dict(loaded.record.data_config)
    if data_dir:
        settings["folder"] = data_dir
    dataset = DataShelf().load(name, settings)
    if dataset.image != loaded.model.image:
        raise ValueError(f"The images of {name} are {dataset.image}; the run's are {loaded.model.image}.")
    size = len(dataset.split(split))
    images = dataset.view(split, range(min(count or size, size)))
    pieces = score_images(loaded.model, images, num_samples, seed)
    batches = -(-len(images) // BATCH)
    result = next(p for p in track(pieces, total=batches, description="Scoring", transient=True) if p is not None)
    typer.echo(f"{loaded.model.card.title} of step {loaded.step:,}, {len(images):,} {split} images of {name}")
    typer.echo(f"{result.kind}:")
    typer.echo(f"{result.mean_nats:.4f} ± {result.error_nats:.4f} nats, spread {result.spread_nats:.4f} nats")
    typer.echo(f"{result.bits_per_dim:.5f} bits/dim")

"""``gmstudio sample``: images from a run's latest checkpoint."""

from pathlib import Path
from typing import Annotated

import typer

from gmstudio.cli.options import DeviceOption, warn


def sample(
    run: Annotated[str, typer.Argument(help="Run folder.")],
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=4096, help="Images.")] = 64,
    out: Annotated[Path, typer.Option("-o", "--out", help="PNG to write.")] = Path("samples.png"),
    seed: Annotated[int, typer.Option(help="Fixes the noise.")] = 0,
    scale: Annotated[int, typer.Option(min=1, max=64, help="Screen pixels per image pixel.")] = 4,
    device: DeviceOption = "auto",
) -> None:
    """Draw images from a run's latest checkpoint into one PNG."""
    import numpy as np
    import torch
    from PIL import Image
    from rich.progress import track

    from gmstudio.engine.device import choose_device
    from gmstudio.engine.models import ModelShelf
    from gmstudio.engine.sampling import draw_samples

    where = choose_device(device)
    loaded = ModelShelf().load(run, where)
    warn(loaded.warnings)
    generator = torch.Generator(where).manual_seed(seed)
    pieces = track(draw_samples(loaded.model, count, generator), description="Sampling", transient=True)
    images = next(piece for piece in pieces if piece is not None)
    columns = int(np.ceil(np.sqrt(count)))
    n, channels, height, width = images.shape
    rows = -(-n // columns)
    grid = np.full((rows * (height + 1) + 1, columns * (width + 1) + 1, channels), 128, np.uint8)
    for index, image in enumerate(images):
        top, left = (index // columns) * (height + 1) + 1, (index % columns) * (width + 1) + 1
        grid[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    pixels = np.repeat(np.repeat(grid, scale, axis=0), scale, axis=1)
    Image.fromarray(pixels.squeeze(-1) if channels == 1 else pixels).save(out)
    typer.echo(f"{n} images of step {loaded.step:,} in {out}")

"""``gmstudio sample``: images from a run's latest checkpoint, in any order the model takes, given observed pixels."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from gmstudio.cli.conditioning import parse_given, read_given
from gmstudio.cli.options import SEED, DeviceOption, Real, Whole, parse_setting
from gmstudio.cli.point_samples import grid_for, is_table, write_points
from gmstudio.cli.terminal import say, warn
from gmstudio.media import Provenance, metadata_of
from gmstudio.media.png import check_picture_name, read_grey, write_grid
from gmstudio.runs.names import typed_run
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    import torch
    from msgspec import Struct

    from gmstudio.engine.runtime.models import Loaded
    from gmstudio.families.autoregressive.base import AutoregressiveFamily
    from gmstudio.protocol.array import Array

EACH, NONE = "each", "none"
PAINTED = "painted"
COUNT = Whole(1, 4096, "Call the command again, with another --seed and --out, for more.")
SCALE = Whole(1, 64, "Enlarge the picture in an image viewer, with nearest-neighbour scaling.")
TEMPERATURE = Real(0.0, 1000.0, "At 1,000 the values are all but equally likely.")


@dataclass(frozen=True)
class PixelOptions:
    """Options that only autoregressive models have.

    Args:
        order: name of the generation order, or ``painted:FILE``; empty: the model's own.
        order_seed: of the order ``random``.
        given: observed pixels, see ``cli.conditioning``; empty: none.
        label: a number, ``each``, ``none``, or empty: each for class-conditional models.
        temperature: divides the logits.
        data_dir: folder of a data set that ``given`` names.
    """

    order: str
    order_seed: int
    given: str
    label: str
    temperature: float
    data_dir: str

    def texts(self, num_classes: int) -> dict[str, str]:
        """Options that differ from the defaults, keyword → text, as written into the picture's file."""
        texts = {}
        if self.order:
            name, _, ranks = self.order.partition(":")
            detail = f", seed {self.order_seed}" if name == "random" else f":{Path(ranks).name}" if ranks else ""
            texts["Order"] = name + detail
        if self.given:
            texts["Given"] = parse_given(self.given).without_folders()
        if num_classes:
            texts["Label"] = self.label or EACH
        if self.temperature != 1.0:
            texts["Temperature"] = f"{self.temperature:g}"
        return texts


def sample(
    run: Annotated[str, typer.Argument(help="Run folder.")],
    count: Annotated[int, typer.Option("-n", "--count", parser=COUNT, help="Number of images.")] = 64,
    out: Annotated[
        str, typer.Option("-o", "--out", metavar="PATH", help="PNG, WebP, JPEG or GIF to write; of points also CSV.")
    ] = ("samples.png"),
    seed: Annotated[int, typer.Option(parser=SEED, help="Seed of the noise.")] = 0,
    scale: Annotated[int, typer.Option(parser=SCALE, help="Screen pixels per image pixel.")] = 4,
    order: Annotated[
        str,
        typer.Option(
            help="Generation order, for models that take any: raster, snake, spiral, centre, random …, or "
            "painted:ranks.png (darker pixels come first)."
        ),
    ] = "",
    order_seed: Annotated[int, typer.Option("--order-seed", parser=SEED, help="Seed of the order random.")] = 0,
    given: Annotated[
        str,
        typer.Option(
            help="Condition on observed pixels of an image: image.png:first=300 (sub-pixels in the order), :rows=14 "
            "(upper rows), :mask=mask.png (white where observed); :resize and :convert fit a picture to the model. "
            "Data sets have images, too: digits:valid:3:rows=4."
        ),
    ] = "",
    label: Annotated[
        str, typer.Option(help="Class to sample, for class-conditional models: a number, each (in turn) or none.")
    ] = "",
    temperature: Annotated[
        float,
        typer.Option(
            parser=TEMPERATURE,
            help="Divides the logits; below 1: sharper conditionals; 0: always the most likely value.",
        ),
    ] = 1.0,
    data_dir: Annotated[str, typer.Option("--data-dir", help="Folder of the data set that --given names.")] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Set a field=value of the family's sampler, for example of a diffusion model sampler=ddim, eta=0, "
            "steps=20; may be repeated.",
        ),
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Sample images from a run's latest checkpoint into one PNG."""
    import torch
    from rich.progress import Progress

    from gmstudio.engine.runtime.device import choose_device
    from gmstudio.engine.runtime.models import ModelCache
    from gmstudio.engine.sampling.settings import sampler_of, sampler_text

    path, folder = typed_path(out), typed_run(run)
    if not is_table(path):
        check_picture_name(path)
    where = choose_device(device)
    loaded = ModelCache().load(str(folder), where)
    warn(loaded.warnings)
    grid = grid_for(loaded, path, data_dir) if is_table(path) else None
    options = PixelOptions(order, order_seed, given, label, temperature, data_dir)
    chosen = dict(parse_setting(setting) for setting in settings or [])
    sampler = sampler_of(loaded.model, chosen, "samples")
    pieces = _draw(loaded, count, torch.Generator(where).manual_seed(seed), options, sampler)
    with Progress(transient=True) as progress:
        images = next(piece for piece in progress.track(pieces, description="Sampling") if piece is not None)
    texts = options.texts(getattr(loaded.model, "num_classes", 0))
    if sampler is not None:
        texts["Sampler"] = sampler_text(sampler, "samples")
    origin = Provenance(
        family=loaded.record.family,
        run=loaded.record.title or folder.resolve().name,
        folder=str(folder.resolve()),
        created=loaded.record.created,
        step=loaded.step,
        seed=seed,
        shows="samples",
        details=texts,
    )
    if grid is not None:
        write_points(images, path, grid, metadata_of(origin))
    else:
        write_grid(images, path, scale, metadata_of(origin))
    description = "".join(f"; {name.lower()}: {text}" for name, text in texts.items())
    kind = "images" if grid is None else "points"
    say(f"{len(images)} {kind} of step {loaded.step:,} in {path}{description}")


def _draw(
    loaded: "Loaded", count: int, generator: "torch.Generator", options: PixelOptions, sampler: "Struct | None"
) -> Iterator[NDArray[np.uint8] | None]:
    """Yield None after each small piece of work, then the images (N, C, H, W), 0 … 255."""
    from gmstudio.engine.pixels.completion import draw_completions
    from gmstudio.engine.pixels.setting import setting_of
    from gmstudio.engine.sampling.grids import draw_samples
    from gmstudio.families.autoregressive.base import AutoregressiveFamily
    from gmstudio.media.levels import to_display
    from gmstudio.protocol.array import Array
    from gmstudio.protocol.pixels import OpenPixels

    model = loaded.model
    if not isinstance(model, AutoregressiveFamily):
        if options.texts(0) or options.label:
            raise ValueError(
                f"{model.card.title} does not generate pixel by pixel; leave out --order, --given, --label and "
                "--temperature."
            )
        return draw_samples(model, count, generator, sampler)
    observed = read_given(options.given, loaded, options.data_dir) if options.given else None
    name, _, ranks = options.order.partition(":")
    command = OpenPixels(
        run="",
        order=name,
        order_seed=options.order_seed,
        ranks=_read_ranks(name, ranks, model),
        observed=None if observed is None or observed.mask is None else Array.of(observed.mask),
    )
    setting = setting_of(model, command)
    pieces = draw_completions(
        model,
        count,
        generator,
        order_D3=setting.order,
        observed_CHW=None if observed is None else observed.levels,
        num_observed=0 if observed is None else observed.first or setting.num_observed,
        labels_N=_labels(options.label, model, count),
        temperature=options.temperature,
    )
    return (None if piece is None else to_display(piece, model.image.levels) for piece in pieces)


def _read_ranks(name: str, path: str, model: "AutoregressiveFamily") -> "Array | None":
    """Read the ranks of the painted order from its picture; None for the other orders.

    Raises:
        ValueError: when there is no order of that name, a picture is missing, or the order takes none.
    """
    from gmstudio.families.autoregressive.orders import ORDER_NAMES

    if name and name not in (*ORDER_NAMES, PAINTED):
        painted = f", or {PAINTED}:FILE, a picture whose darker pixels come first" if model.any_order else ""
        raise ValueError(f"There is no order {name!r}; choose one of {', '.join(ORDER_NAMES)}{painted}.")
    if name == PAINTED and not path:
        raise ValueError(f"--order {PAINTED}: name the picture whose darker pixels come first, {PAINTED}:ranks.png.")
    if name != PAINTED and path:
        raise ValueError(f"--order {name}:{path}: only {PAINTED} takes a picture; write --order {name}.")
    from gmstudio.protocol.array import Array

    return Array.of(read_grey(str(typed_path(path)), model.image).astype(np.float32)) if path else None


def _labels(text: str, model: "AutoregressiveFamily", count: int) -> "torch.Tensor | None":
    """Labels (N,) that the images are conditioned on; None: none."""
    import torch

    from gmstudio.engine.sampling.grids import labels_in_turn

    if text == NONE:
        return None
    if text == "" or (text == EACH and model.num_classes):
        return labels_in_turn(model, count)
    if text != EACH and not text.isdecimal():
        raise ValueError(f"--label {text}: write the number of a class, {EACH} or {NONE}.")
    labels = model.check_labels(torch.full((count,), 0 if text == EACH else int(text)), count)
    model.check_trained([int(text)])
    return labels

"""Training steps: beside a bare loop, public code, other sizes, processes and devices."""

import os
from typing import Annotated

import typer

from benchmarks.commands.options import DeviceOption, FamilyOption, SetOption, report

app = typer.Typer()


@app.command()
def training(
    family: FamilyOption = "pixelcnn",
    size: Annotated[int, typer.Option(min=1)] = 28,
    batch: Annotated[int, typer.Option(min=1)] = 64,
    levels: Annotated[int, typer.Option(min=2)] = 2,
    seconds: Annotated[float, typer.Option(min=1, help="Duration of each of the two loops.")] = 15.0,
    settings: SetOption = None,
    device: DeviceOption = "cpu",
    model: Annotated[
        str, typer.Option("--model", help="Key in COMPARISONS, in place of --family: its family, settings and size.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Every model in COMPARISONS, one line each.")] = False,
) -> None:
    """Training through the engine, compared with a bare loop over the same model and with public code."""
    from benchmarks import training as benchmark
    from benchmarks.models import COMPARISONS, table_config

    if (model or every) and settings:
        raise typer.BadParameter("A model to compare has its own settings; leave --set out, or name a --family.")
    for name in COMPARISONS if every else [model] if model else []:
        report(benchmark.compare(name, batch, levels, seconds, device))
    if not model and not every:
        config = table_config(family, settings or [])
        report(benchmark.measure(family, size, batch, levels, seconds, config, device))


@app.command()
def peers(
    peer: Annotated[str, typer.Option("--peer", help="Key in PEERS; empty: all, one line each.")] = "",
    batch: Annotated[int, typer.Option(min=1)] = 64,
    seconds: Annotated[float, typer.Option(min=1, help="Duration of each of the two loops.")] = 15.0,
) -> None:
    """Training beside public packages (the extra `peers`), in turns, with parameters and FLOP of both."""
    from benchmarks import peers as benchmark

    for name in [peer] if peer else benchmark.PEERS:
        report(benchmark.measure(name, batch, seconds))


@app.command()
def scaling(
    families: Annotated[
        list[str] | None,
        typer.Option("--family", help="Key in FAMILIES; may be repeated; left out: MADE, PixelCNN and VAE."),
    ] = None,
    axes: Annotated[
        list[str] | None,
        typer.Option("--axis", help="size, levels, batch, width or data; may be repeated; left out: all."),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="Duration of each measurement, three repeats at least.")
    ] = 0.5,
    limit_s: Annotated[float, typer.Option(min=0.1, help="What is foreseen to take longer, once, is left out.")] = 2.0,
    size: Annotated[int, typer.Option(min=4, help="Rows and columns, where they do not grow.")] = 28,
    minutes: Annotated[float, typer.Option(help="For all of it, in equal parts for the families.")] = 8.0,
    plot: Annotated[bool, typer.Option("--plot", help="Draw docs/scaling.png.")] = False,
) -> None:
    """Growth of step, samples and memory with size, levels, batch, width and data, beside that of the arithmetic."""
    from benchmarks.scaling import command as benchmark

    found = benchmark.measure(
        families or benchmark.FAMILIES, benchmark.axis_names(axes or []), seconds, limit_s, size, minutes
    )
    if plot:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        from benchmarks.scaling.plot import draw

        draw(found["families"])
    report(found)


@app.command()
def starts(
    family: FamilyOption = "vae",
    picture: Annotated[str, typer.Option(help="PNG file for the last grid of samples.")] = "",
) -> None:
    """Train the first run that a family proposes: seconds of processor time, validation, samples as a picture."""
    from benchmarks import starts as benchmark

    report(benchmark.measure(family, picture))


@app.command()
def distributed(
    family: FamilyOption = "vae",
    steps: Annotated[int, typer.Option(min=10)] = 60,
    batch: Annotated[int, typer.Option(min=2, help="Images of an update, whatever the number of processes.")] = 256,
    processes: Annotated[int, typer.Option(min=2, help="Processes that share a batch.")] = 2,
) -> None:
    """Two processes that share each batch against one: difference of the losses, efficiency, steps a second."""
    from benchmarks import distributed as benchmark

    report(benchmark.measure(family, steps, batch, processes))


@app.command()
def gpu(
    parts: Annotated[
        list[str] | None,
        typer.Option("--part", help="tests, training, sampling, stepping, slider or ddp; may be repeated; else all."),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="cuda, or cpu, which stands in for it.")] = "cuda",
    families: Annotated[
        list[str] | None, typer.Option("--family", help="Key in FAMILIES; may be repeated; left out: all.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small models for a moment, to see that all of it runs.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Measure what is there already, too.")] = False,
    out: Annotated[str, typer.Option("--out", help="Folder that keeps the results of the parts.")] = "",
    page: Annotated[str, typer.Option("--page", help="Page to write; left out: docs/benchmarks-gpu.md on CUDA.")] = "",
) -> None:
    """Tests and measurements on a GPU, a part in less than eight minutes, and the page docs/benchmarks-gpu.md."""
    from benchmarks.gpu.command import measure
    from benchmarks.gpu.machine import NoDeviceError

    try:
        complete = measure(parts or [], device, families or [], quick=quick, again=again, out=out, page=page)
    except NoDeviceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if not complete:
        raise typer.Exit(1)

"""Samples, single pixels and decoded codes, in time."""

from typing import Annotated

import typer

from benchmarks.commands.options import DeviceOption, FamilyOption, SetOption, report

app = typer.Typer()


def load_step_kernel() -> None:
    """Compile the steps of single images, as the engine does after some hundred of them."""
    from gmstudio.engine.runtime.compiled_code import compiled_code
    from gmstudio.nn.stepping.compiling import STEP_KERNEL

    STEP_KERNEL.load(compiled_code())


@app.command()
def sampling(
    family: FamilyOption = "pixelcnn",
    size: Annotated[int, typer.Option(min=1)] = 28,
    batch: Annotated[int, typer.Option(min=1)] = 64,
    levels: Annotated[int, typer.Option(min=2)] = 2,
    channels: Annotated[int, typer.Option()] = 1,
    settings: SetOption = None,
    device: DeviceOption = "cpu",
    parallel: Annotated[bool, typer.Option("--parallel", help="Compare with exact parallel sampling.")] = False,
    run: Annotated[str, typer.Option(help="With --parallel, a trained run, too: a folder, or examples/made.")] = "",
) -> None:
    """Incremental sampling, compared with a full forward pass per pixel or with exact parallel sampling."""
    from benchmarks import parallel_sampling
    from benchmarks import sampling as benchmark

    if batch == 1:
        load_step_kernel()
    if parallel:
        report(parallel_sampling.measure(family, size, batch, levels, channels, settings or [], run or None))
    else:
        report(benchmark.measure(family, size, batch, levels, channels, settings or [], device))


@app.command()
def stepping(
    family: FamilyOption = "pixelcnn",
    size: Annotated[int, typer.Option(min=1)] = 28,
    levels: Annotated[int, typer.Option(min=2)] = 2,
    channels: Annotated[int, typer.Option()] = 1,
    settings: SetOption = None,
) -> None:
    """One pixel step of a single image through the engine."""
    from benchmarks import stepping as benchmark

    load_step_kernel()
    report(benchmark.measure(family, size, levels, channels, settings or []))


@app.command()
def decoding(
    family: FamilyOption = "vae",
    size: Annotated[int, typer.Option(min=1)] = 28,
    levels: Annotated[int, typer.Option(min=2)] = 2,
    channels: Annotated[int, typer.Option()] = 1,
    settings: SetOption = None,
) -> None:
    """Decode one code through the engine, at the family's default size."""
    from benchmarks import decoding as benchmark

    report(benchmark.measure(family, size, levels, channels, settings or []))

"""The window and its engine: start, sliders, playing, planes, library of runs, memory, endurance."""

from typing import Annotated

import typer

from benchmarks.commands.options import FamilyOption, report

app = typer.Typer()


@app.command()
def startup(repeats: Annotated[int, typer.Option(min=1)] = 5) -> None:
    """From the start of the process to the visible window, and to the engine's catalog."""
    from benchmarks import startup as benchmark

    report(benchmark.measure(repeats))


@app.command()
def slider(
    while_training: Annotated[bool, typer.Option("--while-training", help="Train the same model meanwhile.")] = False,
    moves: Annotated[int, typer.Option(min=10)] = 400,
    family: FamilyOption = "vae",
    with_map: Annotated[bool, typer.Option("--map", help="Open the map of the latent space.")] = False,
) -> None:
    """From a latent slider's signal to the painted image."""
    from benchmarks import slider as benchmark

    report(benchmark.measure(family, moves, while_training, with_map))


@app.command()
def playing(
    family: FamilyOption = "pixelcnn",
    size: Annotated[int, typer.Option(min=1)] = 28,
    speed: Annotated[float, typer.Option(min=1, max=1000, help="Sub-pixels per second that are asked for.")] = 1000.0,
    seconds: Annotated[float, typer.Option(min=1)] = 10.0,
    while_training: Annotated[bool, typer.Option("--while-training", help="Train the same model meanwhile.")] = False,
) -> None:
    """Sub-pixels per second of a generation that plays in the Pixels panel."""
    from benchmarks import playing as benchmark

    report(benchmark.measure(family, size, speed, seconds, while_training))


@app.command()
def panning(
    canvases: Annotated[int, typer.Option(min=1, max=4)] = 1,
    size: Annotated[int, typer.Option(min=200)] = 600,
) -> None:
    """Frames a second of planes that are panned and zoomed."""
    from benchmarks import panning as benchmark

    report(benchmark.measure(canvases, size))


@app.command()
def plane(
    families: Annotated[
        list[str] | None,
        typer.Option("--family", help="Key in FAMILIES; may be repeated; left out: all that propose settings."),
    ] = None,
    shapes: Annotated[
        list[str] | None,
        typer.Option("--shape", help="Set of points; may be repeated; left out: five sets."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    canvas: Annotated[bool, typer.Option(help="Measure the frames a second of a plane that is panned, too.")] = True,
) -> None:
    """Points of the plane: seconds and KL(p* ‖ p) per family and set, refresh of surfaces, panning."""
    from benchmarks import plane as benchmark

    result = benchmark.measure(families or [], shapes or [], seed)
    if canvas:
        from benchmarks import panning

        result["pan"] = panning.measure(1, 600)
    report(result)


@app.command()
def projection(
    counts: Annotated[
        list[int] | None, typer.Option("--count", min=3, help="Images that are projected; may be repeated.")
    ] = None,
    points: Annotated[int, typer.Option(min=3, help="Points on the map that is panned.")] = 60_000,
) -> None:
    """Map of images: frames a second while it is panned and zoomed, and seconds of PCA, t-SNE and UMAP."""
    from benchmarks import scoring_projection as benchmark

    report(benchmark.measure(tuple(counts or ()), points))


@app.command()
def runs(
    count: Annotated[int, typer.Option(min=10, help="Runs in the library.")] = 10_000,
    points: Annotated[int, typer.Option(min=1000, help="Points of the long history.")] = 1_000_000,
    seconds: Annotated[float, typer.Option(min=1, help="Processor time of the training with checkpoints.")] = 60.0,
) -> None:
    """The library: many runs listed and scrolled, a long history drawn and panned, the cost of checkpoints."""
    from benchmarks import runs as benchmark

    report(benchmark.measure(count, points, seconds))


@app.command()
def metrics(
    rate: Annotated[int, typer.Option(min=100, help="Metrics a second.")] = 10_000,
    seconds: Annotated[float, typer.Option(min=1, help="Of each of the two trainings.")] = 20.0,
) -> None:
    """Ten thousand metrics a second: what they take of a training, the window's rate, points that were lost."""
    from benchmarks import metrics as benchmark

    report(benchmark.measure(rate, seconds))


@app.command()
def memory(seconds: Annotated[float, typer.Option(min=1)] = 8.0) -> None:
    """Peak resident memory of window and engine while each family trains."""
    from benchmarks import memory as benchmark

    report(benchmark.measure(seconds))


@app.command()
def soak(
    minutes: Annotated[float, typer.Option(min=0.1, help="Length.")] = 20.0,
    seed: Annotated[int, typer.Option(help="Seed of the random actions.")] = 0,
    page: Annotated[bool, typer.Option("--page", help="Write docs/reliability.md from the result.")] = False,
) -> None:
    """Random actions on the real window with faults injected: memory, stalls, lost points, warnings."""
    from benchmarks.soak import report as written
    from benchmarks.soak import soak as benchmark

    found = benchmark.measure(minutes, seed)
    if page:
        written.write(found)
    report(found)

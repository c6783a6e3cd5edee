"""The benchmarks' command line."""

import json
import os
from typing import Annotated, Any

import typer

app = typer.Typer(help=__doc__, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

FamilyOption = Annotated[str, typer.Option("--family", help="Key in FAMILIES.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Set a field=value of the family's Config; may be repeated.")
]
DeviceOption = Annotated[str, typer.Option("--device", help="cpu, cuda, mps or auto.")]


def report(result: dict[str, Any]) -> None:
    """Print the result, with the number of cores, as the last line."""
    print(json.dumps({**result, "cores": os.cpu_count()}))


def load_step_kernel() -> None:
    """Compile the steps of single images, as the engine does after some hundred of them."""
    from gmstudio.engine.runtime.compiled_code import compiled_code
    from gmstudio.nn.stepping.compiling import STEP_KERNEL

    STEP_KERNEL.load(compiled_code())


@app.command()
def startup(repeats: Annotated[int, typer.Option(min=1)] = 5) -> None:
    """From the start of the process to the visible window, and to the engine's catalog."""
    from benchmarks import startup as benchmark

    report(benchmark.measure(repeats))


@app.command()
def starts(
    family: FamilyOption = "vae",
    picture: Annotated[str, typer.Option(help="PNG file for the last grid of samples.")] = "",
) -> None:
    """Train the first run that a family proposes: seconds of processor time, validation, samples as a picture."""
    from benchmarks import starts as benchmark

    report(benchmark.measure(family, picture))


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
def scaling(
    families: Annotated[
        list[str] | None, typer.Option("--family", help="Key in FAMILIES; may be repeated; left out: PixelCNN.")
    ] = None,
    axes: Annotated[
        list[str] | None,
        typer.Option("--axis", help="size, levels, batch, width or data; may be repeated; left out: all."),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="Duration of each measurement, three repeats at least.")
    ] = 1.0,
    limit_s: Annotated[float, typer.Option(min=0.1, help="What is foreseen to take longer, once, is left out.")] = 5.0,
    size: Annotated[int, typer.Option(min=4, help="Rows and columns, where they do not grow.")] = 28,
    plot: Annotated[bool, typer.Option("--plot", help="Draw docs/scaling.png.")] = False,
) -> None:
    """Growth of step, samples and memory with size, levels, batch, width and data, beside that of the arithmetic."""
    from benchmarks.scaling import command as benchmark

    found = benchmark.measure(families or ["pixelcnn"], benchmark.axis_names(axes or []), seconds, limit_s, size)
    if plot:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        from benchmarks.scaling.plot import draw

        draw(found["families"])
    report(found)


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
def quality(
    data_dir: Annotated[str, typer.Option("--data-dir", help="Folder of the recipe's images.")],
    family: FamilyOption = "pixelcnn",
    minutes: Annotated[float, typer.Option(help="Training time, without the tests after it.")] = 15.0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    threads: Annotated[int, typer.Option(min=0, help="Number of threads; 0: torch's default.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cuda:0, mps or cpu.")] = "auto",
    out: Annotated[str, typer.Option("--out", help="Folder for weights, picture and result.")] = "",
    settings: SetOption = None,
    choice: Annotated[
        str,
        typer.Option("--choose", help="field=value,value,…: train with each, and test only what validates best."),
    ] = "",
) -> None:
    """Likelihood of real test images after training for some minutes by the family's recipe.

    Families without likelihood are trained as well, and their samples are written to --out.
    """
    from benchmarks import quality as benchmark

    report(benchmark.measure(family, data_dir, minutes, seed, threads, device, settings or [], out, choice))


@app.command()
def memory(seconds: Annotated[float, typer.Option(min=1)] = 8.0) -> None:
    """Peak resident memory of window and engine while each family trains."""
    from benchmarks import memory as benchmark

    report(benchmark.measure(seconds))


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


@app.command()
def data(images: Annotated[int, typer.Option(min=100, help="Number of PNGs of 28×28 pixels.")] = 100_000) -> None:
    """Import of a folder of PNGs: listing, decoding, peak memory; opening and loading of the imported set."""
    from benchmarks import data as benchmark

    report(benchmark.measure(images))


@app.command()
def features(
    data_dir: Annotated[str, typer.Option("--data-dir", help="Folder of MNIST; left out: the shipped images.")] = "",
    seeds: Annotated[int, typer.Option(min=1, help="Choices of the labelled images.")] = 5,
    test_images: Annotated[int, typer.Option("--test-images", min=0, help="Test images; 0: all.")] = 2000,
    steps: Annotated[int, typer.Option(min=0, help="Steps of the fine-tuning; 0: none.")] = 200,
    tuned_seeds: Annotated[int, typer.Option("--tuned-seeds", min=1, help="Choices of labels for fine-tuning.")] = 3,
    families: Annotated[
        list[str] | None, typer.Option("--family", help="Key in FAMILIES; may be repeated; left out: all.")
    ] = None,
) -> None:
    """Features of the ready models at 10 labels a class against pixels and PCA; fine-tuned against scratch."""
    from benchmarks import features as benchmark

    report(benchmark.measure(data_dir, seeds, test_images, steps, tuned_seeds, families))


@app.command()
def ood(
    data_dir: Annotated[str, typer.Option("--data-dir", help="Holds FashionMNIST and MNIST as IDX files.")],
    families: Annotated[
        str, typer.Option(help="Families, separated by commas: pixelcnn, vae, realnvp.")
    ] = "pixelcnn,vae,realnvp",
    budget_s: Annotated[
        float, typer.Option("--budget-s", min=0.1, help="Seconds of processor time for each of two models a family.")
    ] = 240.0,
    images: Annotated[int, typer.Option(min=1, help="Test images of each set that are scored, at most.")] = 2000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    out: Annotated[str, typer.Option("--out", help="Folder that keeps the runs; those that are there are used.")] = "",
) -> None:
    """Detection of anomalies, Fashion-MNIST against MNIST and back: raw log p and the statistics that cure it."""
    import torch

    from benchmarks import ood as benchmark

    torch.set_num_threads(1)
    report(benchmark.measure(data_dir, families.split(","), budget_s, seed, out, images))


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
def scoring(
    families: Annotated[
        list[str] | None,
        typer.Option("--family", help="Key in FAMILIES; may be repeated; left out: all."),
    ] = None,
    device: DeviceOption = "cpu",
    window: Annotated[bool, typer.Option(help="Measure the contact sheet and the map of 60,000 images, too.")] = True,
) -> None:
    """Images a second that are scored, by family, against the bare forward pass; pages of 60,000 images; the map."""
    from benchmarks import scoring as benchmark

    found = benchmark.measure(tuple(families or ()), device)
    if window:
        from benchmarks import scoring_projection, scoring_sheet

        found |= {
            "contact_sheet": scoring_sheet.measure_contact_sheet(),
            "projection": scoring_projection.measure_frames(),
        }
    report(found)


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


if __name__ == "__main__":
    app()

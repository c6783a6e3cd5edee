"""What models are worth, on real data: likelihood, anomalies, features; scoring and importing of images."""

from typing import Annotated

import typer

from benchmarks.commands.options import DeviceOption, FamilyOption, SetOption, report

app = typer.Typer()


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
def data(images: Annotated[int, typer.Option(min=100, help="Number of PNGs of 28×28 pixels.")] = 100_000) -> None:
    """Import of a folder of PNGs: listing, decoding, peak memory; opening and loading of the imported set."""
    from benchmarks import data as benchmark

    report(benchmark.measure(images))

"""``gmstudio encode`` and ``gmstudio decode``: a run's model as a lossless coder of images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gmstudio.cli.json_output import Answer, JsonOption
from gmstudio.cli.options import SEED, AcceptChangedOption, Whole
from gmstudio.cli.run_data import load_data_for, with_options
from gmstudio.cli.terminal import warn
from gmstudio.media.writing import put_in_place
from gmstudio.protocol.data import SPLITS
from gmstudio.runs.names import typed_run
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gmstudio.engine.runtime.models import Loaded

COUNT = Whole(1, 10_000, "Code more images into several files.")
ENCODE_KEYS = (
    "run",
    "family",
    "step",
    "data",
    "images",
    "conversion",
    "file",
    "bytes",
    "code_bits",
    "ideal_bits",
    "bits_per_dim",
    "png_bits",
    "png_sheet_bits",
    "webp_bits",
    "webp_sheet_bits",
    "raw_bits",
    "floored",
    "warnings",
)
"""Keys of the document of ``encode``."""
DECODE_KEYS = ("run", "family", "step", "file", "images", "labels", "source", "out", "warnings")
"""Keys of the document of ``decode``."""
WRITTEN = (".png", ".npy")
"""Ends of the files that ``decode`` writes; another name is that of a folder."""
OTHER_FORMS = (".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".npz", ".gmsz", ".zip")
"""Ends of files that nobody means as a folder."""


def encode(
    run: Annotated[str, typer.Argument(help="Run folder, of an autoregressive family.")],
    image: Annotated[
        str, typer.Argument(help="Picture or folder of pictures; left out, so that FILE alone is named: a data set's.")
    ],
    file: Annotated[str, typer.Argument(help="File to write, for example digits.gmsz; always the last.")] = "",
    data: Annotated[str, typer.Option(help="Another data source than the run's own, with its default settings.")] = "",
    data_dir: Annotated[str, typer.Option("--data-dir", help="Folder of the data set's files.")] = "",
    split: Annotated[str, typer.Option(help=f"Part of the data set: {', '.join(SPLITS)}.")] = "test",
    count: Annotated[
        int, typer.Option("-n", "--count", parser=COUNT, help="Number of images, from the first on.")
    ] = 100,
    order: Annotated[
        str, typer.Option(help="Generation order, for models that take any: raster, snake, spiral, centre, random ….")
    ] = "",
    order_seed: Annotated[int, typer.Option("--order-seed", parser=SEED, help="Seed of the order random.")] = 0,
    accept_changed_data: AcceptChangedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Code images without loss into a file: a range coder with the conditionals of a run's latest checkpoint.

    Prints the size beside −log₂ p(x), PNG and WebP.
    """
    from gmstudio.engine.density.coding import Coding, coder_model, labels_for
    from gmstudio.engine.density.compression import compress

    if not file:
        image, file = "", image
    elif data:
        raise ValueError(f"Both the picture {image} and --data {data} are named; leave one of them out.")
    out = typed_path(file)
    check_writable(out)
    _check_file(out, alone=not image)
    loaded = _loaded(run)
    model = coder_model(loaded.model)
    if image:
        images, labels, conversion = _pictures(image, loaded, count)
    else:
        with with_options():
            dataset = load_data_for(loaded, data, data_dir, accept_changed=accept_changed_data)
        part = dataset.split(split)
        if not len(part):
            raise ValueError(f"There are no {split} images; choose another --split, one of {', '.join(SPLITS)}.")
        size = min(count, len(part))
        images, conversion = dataset.view(split, range(size)), ""
        labels = None if part.labels is None else part.labels[:size]
    answer = Answer(ENCODE_KEYS, as_json=as_json)
    title = loaded.record.title or typed_run(run).resolve().name
    coding = Coding(model, order, order_seed, labels=labels_for(model, labels))
    result = _follow(compress(coding, images, title), "Coding", answer)
    with put_in_place(out, overwrite=True) as partial_path:
        partial_path.write_bytes(result.file)
    bits = {size.name: size.bits for size in result.sizes}
    warnings: tuple[str, ...] = loaded.warnings
    if result.code.floored:
        warnings = (*warnings, f"{result.code.floored:,} sub-pixels of probability below 2⁻²⁴ cost 24 bits each.")
    warn(warnings)
    answer.put(run=typed_run(run).absolute(), family=model.card.name, step=loaded.step, images=len(images))
    answer.put(data=None if image else data or loaded.record.data, conversion=conversion or None, warnings=warnings)
    answer.put(file=out.absolute(), bytes=len(result.file), floored=result.code.floored)
    answer.put(code_bits=bits.pop("code"), ideal_bits=bits["ideal"])
    answer.put(bits_per_dim=bits["ideal"] / len(images) / model.image.num_dims)
    answer.put(**{f"{name}_bits": value for name, value in bits.items() if name not in ("ideal", "file")})
    if conversion:
        answer.line(conversion)
    answer.line(f"{_counted(len(images))} of {model.image} with {model.card.title} of step {loaded.step:,} in {out}")
    for form in result.sizes:
        answer.line(f"{form.bits / 8:>12,.1f} bytes  {form.title}")
    answer.close()


def decode(
    run: Annotated[str, typer.Argument(help="Run folder that the file was coded with.")],
    file: Annotated[str, typer.Argument(help="File that encode wrote.")],
    out: Annotated[
        str, typer.Argument(help="PNG (several images: one sheet), folder (a PNG each) or NumPy file .npy (levels).")
    ],
    as_json: JsonOption = False,
) -> None:
    """Decode images from a file, bit for bit, with the weights that it was coded with."""
    from gmstudio.engine.density.coding import coder_model
    from gmstudio.engine.density.coding_file import MAX_BYTES, coding_of, decode_file, read_coded
    from gmstudio.system.regular_file import read_regular

    source, target = typed_path(file), typed_path(out)
    check_writable(target)
    _check_target(target)
    coded = read_coded(read_regular(source, MAX_BYTES))
    loaded = _loaded(run)
    model = coder_model(loaded.model)
    answer = Answer(DECODE_KEYS, as_json=as_json)
    coding = coding_of(coded.header, model)
    images = _follow(decode_file(coding, coded), "Decoding", answer)
    _write(images, target, model.image.levels, _origin(typed_run(run), loaded, source))
    warn(loaded.warnings)
    answer.put(run=typed_run(run).absolute(), family=model.card.name, step=loaded.step, file=source.absolute())
    answer.put(images=len(images), labels=coded.header.labels or None, source=coded.header.run, out=target.absolute())
    answer.put(warnings=loaded.warnings)
    answer.line(f"{_counted(len(images))} in {target}, bit for bit those that were coded (SHA-256 compared)")
    answer.close()


def check_writable(path: Path) -> None:
    """Check, before long work, that a file can be written where it is wanted.

    Raises:
        ValueError: when there is no such folder.
    """
    if not path.absolute().parent.is_dir():
        raise ValueError(f"There is no folder {path.absolute().parent} for {path.name}; make it, or choose another.")


def _check_file(path: Path, *, alone: bool) -> None:
    """Check that no file but one of coded images is written over: a picture alone may be meant as what is to be coded.

    Raises:
        ValueError: when there is a folder or another file at ``path``.
    """
    from gmstudio.engine.density.coding_file import MAGIC

    hint = " To code pictures, name them and then the file to write." if alone else ""
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a file to write, for example digits.gmsz.{hint}")
    if path.is_file():
        with path.open("rb") as there:
            begin = there.read(len(MAGIC))
        if begin and begin != MAGIC:
            raise ValueError(f"{path} is there already and holds no coded images; choose another name.{hint}")


def _check_target(path: Path) -> None:
    """Check, before long work, that images can be written at a path.

    Raises:
        ValueError: when its name is of no form that is written, or a file is where a folder is to be.
    """
    suffix = path.suffix.lower()
    if suffix in WRITTEN and path.is_dir():
        raise ValueError(f"{path} is a folder; choose the name of a file, or of a folder without {suffix}.")
    if suffix not in WRITTEN and ((path.exists() and not path.is_dir()) or suffix in OTHER_FORMS):
        raise ValueError(
            f"{path} is no name for decoded images: choose one that ends in .png or .npy, or that of a folder."
        )


def _counted(number: int) -> str:
    return "1 image" if number == 1 else f"{number:,} images"


def _loaded(run: str) -> "Loaded":
    import torch

    from gmstudio.engine.runtime.models import ModelCache

    return ModelCache().load(str(typed_run(run)), torch.device("cpu"))


def _pictures(path: str, loaded: "Loaded", count: int) -> "tuple[NDArray[np.uint8], None, str]":
    """Pictures of a file or folder, fitted to the model, and a sentence on that."""
    from gmstudio.engine.density.image_sets import open_now
    from gmstudio.engine.runtime.context import EngineContext
    from gmstudio.protocol.image_sets import FolderImages

    opened = open_now(
        EngineContext(lambda _event: None), FolderImages(path=str(typed_path(path)), count=count), loaded.model.image
    )
    warn(opened.warnings)
    return opened.images, None, opened.conversion


def _follow(pieces: Any, title: str, answer: Answer) -> Any:
    """Show the progress of a coding; return its result."""
    from rich.progress import Progress

    from gmstudio.engine.density.coding import Advance

    result = None
    with Progress(transient=True, console=answer.progress_console()) as progress:
        task = progress.add_task(title, total=None)
        for piece in pieces:
            if isinstance(piece, Advance):
                progress.update(task, completed=piece.done, total=piece.total)
            else:
                result = piece
    return result


def _origin(run: Path, loaded: "Loaded", source: Path) -> dict[str, str]:
    """Origin of decoded images, for the metadata of their pictures."""
    from gmstudio.media import Provenance, metadata_of

    return metadata_of(
        Provenance(
            family=loaded.record.family,
            run=loaded.record.title or run.resolve().name,
            folder=str(run.resolve()),
            created=loaded.record.created,
            step=loaded.step,
            shows="decoded images",
            details={"Coded file": source.name},
        )
    )


def _write(images: "NDArray[np.uint8]", out: Path, levels: int, texts: dict[str, str]) -> None:
    """Write images as a PNG, a folder of PNGs or a NumPy file."""
    import numpy as np

    from gmstudio.media.levels import to_display
    from gmstudio.media.png import write_grid

    suffix = out.suffix.lower()
    if suffix == ".png" and len(images) > 1:
        write_grid(to_display(images, levels), out, 1, texts)
    elif suffix in WRITTEN:
        with put_in_place(out, overwrite=True) as partial_path:
            if suffix == ".npy":
                with partial_path.open("wb") as stream:
                    np.save(stream, images)
            else:
                _write_picture(to_display(images[0], levels), partial_path, texts)
    else:
        out.mkdir(exist_ok=True)
        digits = len(str(len(images) - 1))
        for number, shown in enumerate(to_display(images, levels)):
            with put_in_place(out / f"{number:0{digits}}.png", overwrite=True) as partial_path:
                _write_picture(shown, partial_path, texts | {"Image": str(number)})


def _write_picture(shown: "NDArray[np.uint8]", path: Path, texts: dict[str, str]) -> None:
    import numpy as np
    from PIL import Image

    from gmstudio.media.embedding import save_picture

    rows = shown[0] if len(shown) == 1 else np.ascontiguousarray(shown.transpose(1, 2, 0))
    save_picture(Image.fromarray(rows), path, texts, ".png")

"""Writing of images as GIF, PNG strip or MP4, with their provenance, atomically.

Shapes: N frames, C channels, H height, W width.
"""

import contextlib
import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio.media import Provenance, metadata_of
from gmstudio.media.map_figure import MapFigure, draw_figure

if TYPE_CHECKING:
    from PIL import Image

Format = Literal["gif", "png", "mp4"]
FORMATS: tuple[Format, ...] = ("gif", "png", "mp4")
Images = NDArray[np.uint8]
Stopped = Callable[[], bool]
MAX_PIXELS = 400_000_000
"""Limit of all frames together, after scaling."""
MAX_SIDE = 65_535
"""Limit of a GIF's sides in pixels; a PNG may be larger, but few programs show it."""
MAX_FPS = 50
GAP_SHADE = 128
"""Grey value between the images of a PNG."""
"""GIF frame times are in hundredths of a second, and programs slow down faster GIFs."""
WAIT_S = 0.1
PROBE_BYTES = 2**20
NO_FFMPEG = "MP4 needs the program ffmpeg on the search path (PATH); install it, or choose GIF."


class StoppedError(Exception):
    """Raised by work that was cancelled."""


def ffmpeg_path() -> str:
    """Path of ffmpeg; empty when there is none."""
    return shutil.which("ffmpeg") or ""


def picture_size(form: Format, frames: int, columns: int, height: int, width: int, scale: int) -> tuple[int, int]:
    """(height, width) of a picture or film in pixels, without the axes and the legend of a map."""
    if form != "png":
        return height * scale, width * scale
    rows, gap = -(-frames // columns), gap_px(frames, scale)
    return rows * (height * scale + gap) - gap, columns * (width * scale + gap) - gap


def check_size(form: Format, frames: int, columns: int, height: int, width: int, scale: int) -> None:
    """Check the size of a picture before it is made.

    Raises:
        ValueError: when it is too large; names the size and the limit.
    """
    tall, wide = picture_size(form, frames, columns, height, width, scale)
    if max(tall, wide) > MAX_SIDE:
        raise ValueError(
            f"The picture would be {wide:,}×{tall:,} pixels; a side has at most {MAX_SIDE:,}: scale it less."
        )
    pixels = frames * height * width * scale * scale
    if pixels > MAX_PIXELS:
        raise ValueError(
            f"{frames:,} images of {width * scale:,}×{height * scale:,} are {pixels / 1e6:,.0f} million pixels; at "
            f"most {MAX_PIXELS / 1e6:,.0f} million are written: choose fewer images or a smaller scale."
        )


def fitting_scale(form: Format, frames: int, height: int, width: int, side: int) -> int:
    """Screen pixels per image pixel with which the longer side is about ``side`` pixels and ``check_size`` passes.

    Raises:
        ValueError: when the images are too many or too large at scale 1.
    """
    for scale in range(max(1, round(side / max(height, width))), 1, -1):
        try:
            check_size(form, frames, 1, height, width, scale)
        except ValueError:
            continue
        return scale
    check_size(form, frames, 1, height, width, 1)
    return 1


def write_gif(path: Path, images: Images, origin: Provenance, fps: float, scale: int, stopped: Stopped) -> None:
    """Write an endlessly looping GIF with one frame per image, also for equal images.

    Args:
        path: the file, replaced if it is there.
        images: (N, C, H, W), 0 … 255.
        origin: written into the comment.
        fps: frames per second, at most ``MAX_FPS``; times are rounded to 0.01 s so that they do not add up.
        scale: screen pixels per image pixel.
        stopped: polled before each frame; True cancels.

    Raises:
        StoppedError: when ``stopped`` was true.
    """
    from PIL import GifImagePlugin, Image

    grey = images.shape[1] == 1
    _, _, height, width = images.shape
    table = np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes() if grey else b""
    ends_cs = np.round(np.arange(len(images) + 1) * 100 / fps).astype(int)
    with path.open("wb") as file:
        size = np.array([width * scale, height * scale], "<u2").tobytes()
        file.write(b"GIF89a" + size + bytes([0xF7 if grey else 0x70, 0, 0]) + table)
        file.write(b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00" + _comment(origin))
        for index, image in enumerate(images):
            _check_stopped(stopped)
            frame = Image.fromarray(_scaled(image, scale)) if grey else _reduced(image, scale)
            time_ms = 10 * int(ends_cs[index + 1] - ends_cs[index])
            parts = GifImagePlugin.getdata(frame, duration=time_ms, include_color_table=not grey)
            file.write(b"".join(parts))
        file.write(b";")


def gap_px(frames: int, scale: int) -> int:
    """Gap between images of a PNG, so that they do not fuse; pixels of the file.

    Args:
        frames: number of images.
        scale: pixels of the file per image pixel.
    """
    return max(2, scale // 2) if frames > 1 else 0


def write_png(
    path: Path,
    images: Images,
    origin: Provenance,
    columns: int,
    scale: int,
    stopped: Stopped,
    figure: MapFigure | None = None,
) -> None:
    """Write images side by side, in rows of ``columns``, with the origin in text chunks; like ``write_gif``.

    Args:
        path: the file.
        images: (N, C, H, W), 0 … 255.
        origin: written into text chunks.
        columns: images in a row.
        scale: pixels of the file per image pixel; between two images there are ``gap_px`` grey ones.
        stopped: polled; True cancels.
        figure: axes and dots of a map.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    count, channels, height, width = images.shape
    rows = -(-count // columns)
    gap = gap_px(count, scale)
    across, down = width * scale + gap, height * scale + gap
    sheet = np.full((channels, rows * down - gap, columns * across - gap), GAP_SHADE, np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * down, index % columns * across
        sheet[:, top : top + height * scale, left : left + width * scale] = _enlarged(image, scale)
    info = PngInfo()
    for keyword, text in metadata_of(origin).items():
        info.add_text(keyword, text)
    _check_stopped(stopped)
    picture = Image.fromarray(_scaled(sheet, 1))
    if figure is not None:
        picture = draw_figure(picture, figure, width * scale, gap)
    picture.save(path, format="PNG", pnginfo=info)


def write_mp4(path: Path, images: Images, origin: Provenance, fps: float, scale: int, stopped: Stopped) -> None:
    """Write an MP4 with ffmpeg, sides padded to even numbers, the origin as comment; like ``write_gif``.

    The comment goes to ffmpeg through a file beside ``path``, not in the folder for temporary files, which may be full.

    Raises:
        ValueError: when there is no ffmpeg.
        OSError: when the disk is full, or the file cannot be written for another reason of the system.
        RuntimeError: when ffmpeg fails otherwise; with the last line of its messages.
    """
    program = ffmpeg_path()
    if not program:
        raise ValueError(NO_FFMPEG)
    _, channels, height, width = images.shape
    metadata = path.with_name(f"{path.name}.metadata")
    try:
        _write_metadata(metadata, origin, path)
        frames = ["-f", "rawvideo", "-pix_fmt", "gray" if channels == 1 else "rgb24", "-s", f"{width}x{height}"]
        filters = f"scale={width * scale}:{height * scale}:flags=neighbor,pad=ceil(iw/2)*2:ceil(ih/2)*2"
        command = [program, "-v", "error", "-nostdin", "-y", *frames, "-r", f"{fps:g}", "-i", "-", "-i", str(metadata)]
        command += ["-map", "0:v", "-map_metadata", "1", "-vf", filters, "-pix_fmt", "yuv420p", "-f", "mp4", str(path)]
        pixels = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).tobytes()
        _run(command, pixels, stopped, path)
    finally:
        metadata.unlink(missing_ok=True)


def _write_metadata(metadata: Path, origin: Provenance, path: Path) -> None:
    text = f";FFMETADATA1\ncomment={_escaped(_json(origin).decode())}\n"
    try:
        metadata.write_text(text, "utf-8")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _run(command: list[str], pixels: bytes, stopped: Stopped, path: Path) -> None:
    """Run ffmpeg, which writes ``path``, to its end, or kill it when ``stopped`` is true."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe) as process:
        assert process.stdin is not None
        # A thread feeds it: ``communicate`` does not go on with its input after a timeout.
        feeder = threading.Thread(target=_feed, args=(process.stdin, pixels), daemon=True)
        process.stdin = None
        feeder.start()
        while True:
            try:
                _, messages = process.communicate(timeout=WAIT_S)
                break
            except subprocess.TimeoutExpired:
                if stopped():
                    process.kill()
                    process.communicate()
                    raise StoppedError from None
        feeder.join()
    if process.returncode:
        _append(path)
        last = messages.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no reason given"]
        raise RuntimeError(f"ffmpeg could not write the film: {last[0][:300]}. GIF works without it.")


def _feed(stream: IO[bytes], pixels: bytes) -> None:
    """Write all to a program's input; one that ends early closes it."""
    with contextlib.suppress(OSError), stream:
        stream.write(pixels)


def _append(path: Path) -> None:
    """Write one more block behind a file that another program could not complete, for the system to give its reason.

    Raises:
        OSError: when the disk is full, or nothing can be written for another reason.
    """
    with path.open("ab") as file:
        file.write(bytes(PROBE_BYTES))
        file.flush()


@contextlib.contextmanager
def put_in_place(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Context with a temporary path beside ``path``, renamed to ``path`` at the end and deleted after an error.

    Raises:
        ValueError: on entry or at the end, when there is a file that is not to be overwritten.
        OSError: when it cannot be written; names ``path``, and a file that was there is unchanged.
    """
    if path.exists() and not overwrite:
        raise ValueError(f"There is a file {path.name} already; choose another name, or allow overwriting.")
    path = path.resolve() if path.is_symlink() else path  # write through a link, as any other program does
    partial = path.with_name(f".{secrets.token_hex(8)}.partial")
    try:
        yield partial
        if overwrite:
            partial.replace(path)
        else:
            _rename_new(partial, path)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(partial)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error  # a write to a full disk names no file
    finally:
        partial.unlink(missing_ok=True)


def _rename_new(partial: Path, path: Path) -> None:
    try:
        os.link(partial, path)
    except FileExistsError:
        raise ValueError(
            f"A file {path.name} was created meanwhile; choose another name, or allow overwriting."
        ) from None
    except OSError:  # a file system without links
        if path.exists():
            raise ValueError(f"There is a file {path.name} already; choose another name.") from None
        partial.rename(path)


def _enlarged(image: Images, scale: int) -> Images:
    """Enlarge (C, H, W) to (C, H·scale, W·scale), each pixel a square."""
    return np.repeat(np.repeat(image, scale, axis=1), scale, axis=2)


def _scaled(image: Images, scale: int) -> Images:
    """Enlarge (C, H, W) to (H·scale, W·scale) grey, or (…, 3) RGB, each pixel a square."""
    large = _enlarged(image, scale)
    return np.ascontiguousarray(large[0] if len(large) == 1 else large.transpose(1, 2, 0))


def _reduced(image: Images, scale: int) -> "Image.Image":
    """Reduce to at most 256 colours chosen for this image, without dithering, which would add a pattern."""
    from PIL import Image

    small = Image.fromarray(_scaled(image, 1))
    few = small.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return few.resize((few.width * scale, few.height * scale), Image.Resampling.NEAREST)


def _json(origin: Provenance) -> bytes:
    return msgspec.json.encode(metadata_of(origin))


def _comment(origin: Provenance) -> bytes:
    """GIF comment extension: blocks of at most 255 bytes."""
    text = _json(origin)
    blocks = (text[start : start + 255] for start in range(0, len(text), 255))
    return b"!\xfe" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def _escaped(text: str) -> str:
    """Escape a text for ffmpeg's metadata files."""
    return "".join(f"\\{letter}" if letter in "=;#\\\n" else letter for letter in text)


def _check_stopped(stopped: Stopped) -> None:
    if stopped():
        raise StoppedError

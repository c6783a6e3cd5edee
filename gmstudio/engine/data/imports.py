"""Imports of files of images, and previews of them as they are and as a model will see them.

Shapes: N images of a page, C channels, H rows, W columns.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError
from gmstudio.data.images import ImagesConfig
from gmstudio.data.images_preparation import conversion
from gmstudio.data.importing.decoding_pieces import decode_pieces
from gmstudio.data.importing.fitting import Target
from gmstudio.data.importing.kept_sets import imports_home
from gmstudio.data.importing.opening import open_raw
from gmstudio.data.importing.raw import BadImageError, Guess, RawImage, RawSet
from gmstudio.data.importing.set_file import ImportedSet, is_import, open_import
from gmstudio.data.importing.settings import ImportSettings, ReadSettings
from gmstudio.data.importing.store import import_images
from gmstudio.data.importing.survey import survey
from gmstudio.data.progress import STAGE_TITLES, Progress
from gmstudio.engine.data.sets import described
from gmstudio.engine.runtime.inspection import in_background
from gmstudio.engine.runtime.meter import Meter
from gmstudio.media.resize import resize
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.config import ConfigError, parse_config
from gmstudio.protocol.data_import import (
    ImportData,
    ImportGuess,
    ImportPreviewed,
    ImportProgressed,
    PreviewedImage,
    PreviewImport,
)
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.plain_text import plain_text
from gmstudio.system.typed_path import typed_path

SHOWN_SIDE = 160
"""Longer side of images as they are shown."""
MAX_COUNT = 1024
ROWS_A_PIECE = 64
GOLDEN = (math.sqrt(5) - 1) / 2


def settings_of(path: str, settings: dict[str, Any]) -> ImagesConfig:
    """Parse the settings of an import.

    Raises:
        ConfigError: for those outside their range; fields are ``data_config.x``.
    """
    try:
        folder = str(typed_path(path).absolute())
    except ValueError as error:
        raise ConfigError({"data_config.folder": str(error)}) from error
    try:
        return parse_config(ImagesConfig, {**settings, "folder": folder})
    except ConfigError as error:
        raise ConfigError({f"data_config.{field}": text for field, text in error.errors.items()}) from error


def _part(kind: type[ReadSettings], config: ImagesConfig) -> Any:
    return kind(**{name: getattr(config, name) for name in kind.__struct_fields__})


def run_import(command: ImportData) -> Iterator[Event | None]:
    """Import files; closing the generator leaves nothing behind.

    Raises:
        ConfigError: for settings that do not fit.
        DataError: when the files cannot be used.
    """
    config = settings_of(command.path, command.settings)
    pieces = import_images(Path(config.folder), _part(ImportSettings, config), imports_home(), command.name)
    yield from import_events(command.request, pieces)


def import_events(request: int, pieces: Iterator[Progress | ImportedSet]) -> Iterator[Event | None]:
    """Report on an import: its progress, and last the set."""
    meter = Meter()
    for item in pieces:
        if isinstance(item, ImportedSet):
            yield described(item, request)
        else:
            yield _report(request, item, meter)


def _report(request: int, progress: Progress, meter: Meter) -> ImportProgressed | None:
    pace = meter.pace(progress)
    if not meter.due():
        return None
    return ImportProgressed(
        request=request,
        stage=STAGE_TITLES[progress.stage],
        done=progress.done,
        total=progress.total,
        bad=progress.bad,
        rate=pace.rate,
        seconds_left=pace.seconds_left,
    )


@dataclass(frozen=True)
class _Opening:
    """Files that are being listed for a preview."""

    path: Path
    settings: ReadSettings
    pieces: Iterator[Progress | RawSet]


@dataclass(frozen=True)
class _Opened:
    """Files that were opened for a preview."""

    path: Path
    settings: ReadSettings
    raw: RawSet


@dataclass(frozen=True)
class _Surveyed:
    """What the images of opened files become."""

    settings: ImportSettings
    target: Target
    guesses: tuple[Guess, ...]


class ImportPreviews:
    """Previews of files; those that were opened last are kept, so that another setting or page is shown quickly.

    A preview that replaces another one continues its listing of the files, where it needs the same.
    """

    def __init__(self) -> None:
        self._opening: _Opening | None = None
        self._opened: _Opened | None = None
        self._surveyed: _Surveyed | None = None

    def preview(self, command: PreviewImport) -> Iterator[Event | None]:
        """Show a page of images.

        Raises:
            ConfigError: for settings that do not fit.
            DataError: when the files cannot be used.
        """
        config = settings_of(command.path, command.settings)
        path, meter = Path(config.folder), Meter()
        if is_import(path):
            yield described(open_import(path), command.request)
            return
        for progress in self._open(path, _part(ReadSettings, config), refresh=command.refresh):
            yield _report(command.request, progress, meter)
        for progress in self._survey(_part(ImportSettings, config)):
            yield _report(command.request, progress, meter)
        yield from self._show(command, config)

    def _open(self, path: Path, settings: ReadSettings, *, refresh: bool) -> Iterator[Progress]:
        known = self._opened
        if known is not None and (known.path, known.settings) == (path, settings) and not refresh:
            return
        self._opened = self._surveyed = None
        if refresh or self._opening is None or (self._opening.path, self._opening.settings) != (path, settings):
            self._opening = _Opening(path, settings, open_raw(path, settings))
        try:
            for item in self._opening.pieces:
                if isinstance(item, Progress):
                    yield item
                elif not len(item):
                    raise DataError(f"{path} holds no images. Choose another folder or file.")
                else:
                    self._opened = _Opened(path, settings, item)
        except GeneratorExit:
            raise
        except BaseException:
            self._opening = None
            raise
        self._opening = None

    def _survey(self, settings: ImportSettings) -> Iterator[Progress]:
        assert self._opened is not None
        if self._surveyed is not None and self._surveyed.settings == settings:
            return
        for item in survey(self._opened.raw, settings):
            if isinstance(item, Progress):
                yield item
            else:
                self._surveyed = _Surveyed(settings, *item)

    def _show(self, command: PreviewImport, config: ImagesConfig) -> Iterator[Event | None]:
        assert self._opened is not None and self._surveyed is not None
        raw, target = self._opened.raw, self._surveyed.target
        count = max(1, min(command.count, MAX_COUNT))
        pages = -(-len(raw) // count)
        page = max(0, min(command.page, pages - 1))
        indices = spread(len(raw), page * count, count)
        shown: list[PreviewedImage] = []
        for index in indices.tolist():
            if raw.content == "images":
                for found in in_background(lambda index=index: _shown(raw, index)):  # type: ignore[misc]
                    if found is None:
                        yield None
                    else:
                        shown.append(found)
            else:  # nothing is decoded
                shown.append(_shown(raw, index))
                if len(shown) % ROWS_A_PIECE == 0:
                    yield None
        images = np.zeros((len(indices), *target.shape), np.uint8)
        for piece in decode_pieces(raw, indices, target):
            images[np.searchsorted(indices, piece.indices)] = piece.images
            yield None
        convert = conversion(
            config.levels, config.binarize, config.threshold, invert=config.invert, keeps_intensities=False
        )
        decoded = np.array([not image.problem for image in shown])[:, None, None, None]
        yield ImportPreviewed(
            request=command.request,
            path=plain_text(str(self._opened.path)),
            title=plain_text(raw.title),
            content=raw.content,
            size=len(raw),
            page=page,
            pages=pages,
            image=ImageSpec(*target.shape, config.levels),
            shown=tuple(shown),
            images=Array.of(np.where(decoded, convert(images, page), 0).astype(np.uint8)),
            label_names=raw.label_names,
            labels=_counts(raw),
            split_sizes=raw.split_sizes,
            guesses=tuple(
                ImportGuess(setting=guess.setting, text=guess.text) for guess in (*raw.guesses, *self._surveyed.guesses)
            ),
            remarks=raw.remarks,
        )


def spread(size: int, start: int, count: int) -> NDArray[np.int64]:
    """Indices of a page of images, rising; all pages together show every image once.

    Images lie in the order of their files, thus by class; neighbours on a page are spread over the whole set by the
    golden ratio.
    """
    step = max(1, round(GOLDEN * size))
    while math.gcd(step, size) != 1:
        step += 1
    places = np.arange(start, min(start + count, size), dtype=np.int64)
    return np.sort(places * step % size)


def _counts(raw: RawSet) -> dict[int, int]:
    """Number of images of each label."""
    if raw.labels is None:
        return {}
    labels, counts = np.unique(raw.labels, return_counts=True)
    return dict(zip(labels.tolist(), counts.tolist(), strict=True))


def _shown(raw: RawSet, index: int) -> PreviewedImage:
    """An image as it is, made smaller where it is large."""
    name = plain_text(raw.name(index))
    label = None if raw.labels is None else int(raw.labels[index])
    try:
        rows, columns = raw.measure(index)
        if raw.content == "images":
            image = _reduced(raw.read_reduced(index, SHOWN_SIDE, SHOWN_SIDE), rows, columns)
        else:
            image = raw.read(index)
    except BadImageError as error:
        return PreviewedImage(name=name, label=label, problem=plain_text(error.reason))
    return PreviewedImage(name=name, label=label, rows=rows, columns=columns, raw=Array.of(image))


def _reduced(image: RawImage, rows: int, columns: int) -> RawImage:
    scale = SHOWN_SIDE / max(rows, columns)
    if scale >= 1:
        return image
    height, width = max(1, round(rows * scale)), max(1, round(columns * scale))
    return np.ascontiguousarray(resize(image.transpose(2, 0, 1), height, width).transpose(1, 2, 0))

"""Handlers of the commands about bytes: images coded with a model, and decoded."""

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.density.coding import Advance, Coding, coder_model, labels_for
from gmstudio.engine.density.coding_file import MAX_BYTES, coding_of, decode_file, read_coded
from gmstudio.engine.density.compression import Compression, compress
from gmstudio.engine.density.image_sets import open_images
from gmstudio.engine.density.opened_images import OpenedImages
from gmstudio.engine.runtime.context import ANY_FAMILY
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.runtime.models import Loaded
from gmstudio.protocol.array import Array
from gmstudio.protocol.density import ScoreProgress
from gmstudio.protocol.density_bytes import (
    MAX_CODED,
    Compressed,
    CompressImages,
    DecompressFile,
    FileDecompressed,
    ImagesCompressed,
)

REPORT_S = 0.1
"""Seconds between reports of progress."""


@dataclass
class Pace:
    """Rate of a coding.

    Args:
        count: images in all.
    """

    count: int
    began: float = field(default_factory=time.monotonic)
    reported: float = 0.0

    def due(self) -> bool:
        """Return whether a report is due, and count it as made."""
        now = time.monotonic()
        if now - self.reported < REPORT_S:
            return False
        self.reported = now
        return True

    def progress(self, stage: str, share: float) -> ScoreProgress:
        """Return the progress at a share of the work, 0 … 1."""
        seconds = time.monotonic() - self.began
        rate = share * self.count / seconds if share and seconds else 0.0
        left = seconds * (1 - share) / share if share else -1.0
        return ScoreProgress(stage=stage, done=int(share * self.count), total=self.count, rate=rate, seconds_left=left)


class BytesFeature(Feature):
    """Code images with the model of a run, and decode them."""

    def _on_compress_images(self, command: CompressImages) -> Job:
        if not 1 <= command.count <= MAX_CODED or command.start < 0:
            raise ValueError(
                f"{command.count:,} images from number {command.start} on cannot be coded at once; choose 1 to "
                f"{MAX_CODED:,} images, from number 0 on."
            )
        loaded = self.context.model(command.run, ANY_FAMILY)
        return self._compress(command, loaded, Coding(coder_model(loaded.model)), loaded.step)

    def _on_decompress_file(self, command: DecompressFile) -> Job:
        data = command.file.data
        if len(data) > MAX_BYTES:
            raise ValueError(f"The file has {len(data):,} bytes; at most {MAX_BYTES:,} can be decoded here.")
        coded = read_coded(data)
        yield from self.context.read_model(command.run)
        coding = coding_of(coded.header, coder_model(self.context.model(command.run, ANY_FAMILY).model))
        pace = Pace(coded.header.count)

        def event(progress: ScoreProgress, images: NDArray[np.uint8] | None) -> FileDecompressed:
            return FileDecompressed(
                request=command.request,
                run=command.run,
                progress=progress,
                images=None if images is None else Array.of(images),
                labels=None if coding.labels is None else Array.of(coding.labels),
                image=coded.header.spec,
                source=coded.header.run,
            )

        for piece in decode_file(coding, coded):
            if not isinstance(piece, Advance):
                yield event(pace.progress("decoding", 1.0), piece)
            elif pace.due():
                yield event(pace.progress("decoding", piece.done / piece.total), None)
            else:
                yield None

    def _compress(self, command: CompressImages, loaded: Loaded, coding: Coding, step: int) -> Job:
        opened = yield from open_images(self.context, command.images, coding.model.image, request=command.request)
        chosen = np.arange(command.start, min(command.start + command.count, len(opened)))
        if not len(chosen):
            raise ValueError(
                f"{opened.title} has {len(opened):,} images; there is none from number {command.start:,} on. Choose a "
                "smaller number."
            )
        images = np.ascontiguousarray(opened.images[chosen])
        labels = None if opened.labels is None else opened.labels[chosen]
        coding = Coding(coding.model, labels=labels_for(coding.model, labels))
        title = loaded.record.title or loaded.model.card.title
        pace = Pace(len(images))
        for piece in compress(coding, images, title):
            if isinstance(piece, Advance) and not pace.due():
                yield None
                continue
            share = piece.done / piece.total if isinstance(piece, Advance) else 1.0
            yield ImagesCompressed(
                request=command.request,
                run=command.run,
                progress=pace.progress("coding" if share < 1 else "measuring", share),
                result=None if isinstance(piece, Advance) else _result(piece, chosen),
                image=coding.model.image,
                title=opened.title,
                conversion=opened.conversion,
                warnings=(*opened.warnings, *_warnings(opened, coding, piece)),
                weights_step=step,
            )


def _result(piece: Compression, chosen: NDArray[np.int64]) -> Compressed:
    labels = piece.coding.labels
    return Compressed(
        indices=Array.of(chosen.astype(np.int64)),
        images=Array.of(piece.images),
        labels=None if labels is None else Array.of(labels),
        bits=Array.of(piece.code.bits.sum(1)),
        ideal=Array.of(piece.ideal),
        sizes=piece.sizes,
        file=Array.of(np.frombuffer(piece.file, np.uint8)),
        floored=piece.code.floored,
    )


def _warnings(opened: OpenedImages, coding: Coding, piece: Advance | Compression) -> tuple[str, ...]:
    found = []
    if isinstance(piece, Compression) and piece.code.floored:
        found.append(
            f"{piece.code.floored:,} sub-pixels have a probability below 2⁻²⁴; the coder spends 24 bits on each of "
            "them, less than −log₂ p."
        )
    if coding.model.labels and opened.labels is None:
        found.append("The images have no labels, so they are coded without: −log₂ p(x), not −log₂ p(x | label).")
    return tuple(found)

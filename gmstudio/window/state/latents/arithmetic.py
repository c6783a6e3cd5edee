"""Arithmetic on codes, a - b + c: each operand is the current code, or that of an image of the data or a picture.

Shapes: Z latent dimensions, C channels, H height, W width.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.media.fit import Fitting, fit_description, fit_picture
from gmstudio.protocol.array import Array
from gmstudio.protocol.data import SPLIT_TITLES, SplitName
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.images import InkStatistics
from gmstudio.protocol.latents import Decode, Decoded, Encode, Encoded, EncodeImage
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.client.request import Request
from gmstudio.window.state.latents.code_range import Code
from gmstudio.window.state.latents.direction import Direction
from gmstudio.window.state.latents.space import LatentSpace

Slot = Literal["a", "b", "c"]
SLOTS: tuple[Slot, ...] = ("a", "b", "c")
Source = tuple[SplitName, int] | NDArray[np.uint8]
"""Split and index of an image of the data, or levels (C, H, W) of a picture."""


@dataclass(frozen=True, eq=False)
class _Wanted:
    """An image that is being encoded for a slot; the fields are those of ``Operand``."""

    source: Source
    title: str = ""
    description: str = ""


@dataclass(frozen=True, eq=False)
class Operand:
    """Content of a slot.

    Args:
        code: (Z,) float32.
        title: display name.
        source: of the code; None: it was the current code.
        description: how a picture was fitted, or "".
        label: of an image of the data, in words; "" where there is none.
    """

    code: Code
    title: str
    source: Source | None
    description: str = ""
    label: str = ""


class LatentArithmetic(QObject):
    """Three slots and the code a - b + c.

    Args:
        link: the way to the engine.
        space: the selected run and its code.

    Attributes:
        operands: content of the filled slots.
        slot: the slot that is filled next.
        images: (C, H, W) uint8, 0 … 255, the decoded image of each filled slot; key ``result``: of a - b + c.
        problem: why something is missing, or "".

    Signals:
        changed: any of these differ.
    """

    changed = Signal()

    def __init__(self, link: EngineLink, space: LatentSpace) -> None:
        super().__init__(space)
        self._space = space
        self.operands: dict[Slot, Operand] = {}
        self.slot: Slot = "a"
        self.images: dict[str, NDArray[np.uint8]] = {}
        self.problem = ""
        self._encodings: dict[Slot, Request] = {slot: Request(link, self) for slot in SLOTS}
        self._wanted: dict[Slot, _Wanted] = {}
        for slot, request in self._encodings.items():
            request.replied.connect(partial(self._on_encoded, slot))
            request.failed.connect(self._on_failed)
        self._order: tuple[str, ...] = ()
        self._decoding = LatestWins(link, self)
        self._decoding.replied.connect(self._on_decoded)
        self._decoding.failed.connect(self._on_failed)
        space.edits.add_part("operands", lambda: self.operands, self._restore)
        space.run_changed.connect(self.clear)
        space.halted.connect(self._halt)

    @property
    def result(self) -> Code | None:
        """(Z,) a - b + c, clipped; None while a slot is empty."""
        if len(self.operands) < len(SLOTS):
            return None
        a, b, c = (self.operands[slot].code for slot in SLOTS)
        return self._space.code.range.clip(a - b + c)

    @property
    def difference(self) -> Direction | None:
        """Direction c - b; None while one of them is missing, or when they are equal."""
        if not {"b", "c"} <= set(self.operands):
            return None
        b, c = self.operands["b"], self.operands["c"]
        vector = c.code - b.code
        return Direction(f"{b.title} → {c.title}", vector, "difference") if vector.any() else None

    # ---- slots -----------------------------------------------------------------------------------------------------

    def choose_slot(self, slot: Slot) -> None:
        """Choose the slot that is filled next."""
        self.slot = slot
        self.changed.emit()

    def set_to_code(self) -> None:
        """Fill the chosen slot with the current code, and choose the next slot."""
        if self._space.code.num_dims:
            self._encodings[self.slot].drop()
            self._fill(self.slot, Operand(self._space.code.values, f"code {self.slot}", None))
            self._choose_next()

    def set_to_image(self, split: SplitName, index: int) -> None:
        """Fill the chosen slot with the code of an image of the data, and choose the next slot."""
        if self._space.opened is not None and self._space.can("encode"):
            self._encode(self.slot, _Wanted((split, index)))
            self._choose_next()

    def set_to_picture(
        self, picture: NDArray[np.uint8], name: str, fitting: Fitting, ink: InkStatistics | None
    ) -> None:
        """Fill the chosen slot with the code of a picture, and choose the next slot.

        Args:
            picture: (rows, columns, 1, 3 or 4), 0 … 255.
            name: of its file.
            fitting: as in ``fit_picture``.
            ink: likewise.
        """
        opened = self._space.opened
        if opened is None or not self._space.can("encode"):
            self.report(
                f"{self._space.family} has no encoder: find the code of {name} under Your image, then press "
                "Set slot to current code."
            )
            return
        spec = opened.info.image
        levels = fit_picture(picture, spec, fitting, ink)
        description = f"{name} {fit_description(picture, spec, fitting)}."
        self._encode(self.slot, _Wanted(levels, name, description))
        self._choose_next()

    def go_to_result(self) -> None:
        """Set the code to a - b + c."""
        result = self.result
        if result is not None:
            with self._space.edits.recording("Go to a − b + c"):
                self._space.code.set_values(result)

    def report(self, problem: str) -> None:
        """Show a problem, a sentence."""
        self.problem = problem
        self.changed.emit()

    def clear(self) -> None:
        """Empty the slots."""
        self._halt()
        self.operands, self.images, self.slot, self.problem = {}, {}, "a", ""
        self.changed.emit()

    def refresh(self) -> None:
        """Encode images again, with the weights as they are now, and decode all slots."""
        if self._decoding.busy or any(request.busy for request in self._encodings.values()):
            return
        images = {
            slot: _Wanted(operand.source, operand.title, operand.description)
            for slot, operand in self.operands.items()
            if operand.source is not None
        }
        for slot, wanted in images.items():
            self._encode(slot, wanted)
        if not images:
            self._decode()

    def _choose_next(self) -> None:
        self.choose_slot(SLOTS[(SLOTS.index(self.slot) + 1) % len(SLOTS)])

    def _fill(self, slot: Slot, operand: Operand) -> None:
        with self._space.edits.recording(f"Fill slot {slot}"):
            self._set_operands({**self.operands, slot: operand})

    def _set_operands(self, operands: dict[Slot, Operand]) -> None:
        self.operands, self.problem = operands, ""
        self._decode()
        self.changed.emit()

    def _restore(self, operands: dict[Slot, Operand]) -> None:
        for request in self._encodings.values():
            request.drop()
        self._set_operands(operands)

    # ---- requests and replies --------------------------------------------------------------------------------------

    def _encode(self, slot: Slot, wanted: _Wanted) -> None:
        source, run = wanted.source, self._space.run
        self._wanted[slot] = wanted
        if isinstance(source, tuple):
            self._encodings[slot].send(Encode(run=run, split=source[0], index=source[1]))
        else:
            self._encodings[slot].send(EncodeImage(run=run, image=Array.of(source)))

    def _decode(self) -> None:
        codes = {str(slot): operand.code for slot, operand in self.operands.items()}
        if self.result is not None:
            codes["result"] = self.result
        if codes and self._space.opened is not None:
            self._order = tuple(codes)
            self._decoding.submit(Decode(run=self._space.run, codes=Array.of(np.stack(list(codes.values())))))

    def _on_encoded(self, slot: Slot, event: Encoded) -> None:
        wanted = self._wanted[slot]
        title = wanted.title
        if isinstance(wanted.source, tuple):
            number = f"{SPLIT_TITLES[wanted.source[0]]} {wanted.source[1]}"
            title = f"{event.label} ({number})" if event.label else number
        self._fill(slot, Operand(event.code.numpy(), title, wanted.source, wanted.description, event.label))

    def _on_decoded(self, event: Decoded) -> None:
        images = event.images.numpy()
        if len(images) == len(self._order):
            self.images = dict(zip(self._order, images, strict=True))
            self.changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        self.report("" if event.reason is Reason.ENGINE_GONE else event.message)

    def _halt(self) -> None:
        """Expect no reply."""
        self._decoding.reset()
        for request in self._encodings.values():
            request.drop()

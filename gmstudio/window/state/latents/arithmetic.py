"""Arithmetic on codes: a - b + c, where each is the code that was set, or that of an image of the data or a picture.

Shapes: Z latent dimensions, C channels, H height, W width.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.media.fit import Fit, fit_description, fit_picture
from gmstudio.protocol.array import Array
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import Decode, Decoded, Encode, Encoded, EncodeImage
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.state.latents.annotations import Direction
from gmstudio.window.state.latents.code import Code
from gmstudio.window.state.latents.space import LatentSpace

Slot = Literal["a", "b", "c"]
SLOTS: tuple[Slot, ...] = ("a", "b", "c")


Source = tuple[SplitName, int] | NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is being encoded."""

    slot: Slot
    source: Source
    title: str
    told: str


@dataclass(frozen=True, eq=False)
class Operand:
    """What is in a slot.

    Args:
        code: (Z,) float32.
        title: for people.
        source: split and index of an image of the data; levels (C, H, W) of a picture; None: the code that was set.
        told: what was done to a picture so that it fits, or "".
        label: of an image of the data, in words; "" where there is none.
    """

    code: Code
    title: str
    source: Source | None
    told: str = ""
    label: str = ""


class LatentArithmetic(QObject):
    """Three slots and the code a - b + c.

    Attributes:
        operands: what is in the slots.
        slot: the one that is filled next.
        images: (C, H, W) uint8, 0 … 255, what each filled slot's code decodes to; key ``result``: what a - b + c does.
        problem: why something is missing, or "".

    Signals:
        changed: anything of this.
    """

    changed = Signal()

    def __init__(self, events: EngineLink, space: LatentSpace) -> None:
        super().__init__(space)
        self._events, self._space = events, space
        self.operands: dict[Slot, Operand] = {}
        self.slot: Slot = "a"
        self.images: dict[str, NDArray[np.uint8]] = {}
        self.problem = ""
        self._encoding: dict[int, _Asked] = {}
        self._order: tuple[str, ...] = ()
        self._latest = LatestWins(events, self)
        self._latest.replied.connect(self._on_decoded)
        self._latest.failed.connect(self._on_failed)
        events.on(Encoded).connect(self._on_encoded)
        events.on(CommandFailed).connect(self._on_encode_failed)
        space.run_changed.connect(self.clear)
        space.refreshed.connect(self._refresh)
        space.halted.connect(self._on_halted)

    @property
    def result(self) -> Code | None:
        """The code a - b + c, cut to what there can be; None while a slot is empty."""
        if len(self.operands) < len(SLOTS):
            return None
        a, b, c = (self.operands[slot].code for slot in SLOTS)
        return self._space.range.clip(a - b + c)

    @property
    def difference(self) -> Direction | None:
        """From b to c as a direction; None while one of them is missing, or when they are the same."""
        if not {"b", "c"} <= set(self.operands):
            return None
        b, c = self.operands["b"], self.operands["c"]
        vector = c.code - b.code
        return Direction(f"{b.title} → {c.title}", vector, "difference") if vector.any() else None

    def choose_slot(self, slot: Slot) -> None:
        """Fill this slot next."""
        self.slot = slot
        self.changed.emit()

    def put_code(self) -> None:
        """Put the code that is set into the chosen slot, and choose the next."""
        if self._space.num_dims:
            self._put(self.slot, Operand(self._space.code.copy(), f"code {self.slot}", None))
            self._choose_next()

    def put_image(self, split: SplitName, index: int) -> None:
        """Put the code of an image of the data into the chosen slot, and choose the next."""
        if self._space.can("encode"):
            self._encode(_Asked(self.slot, (split, index), "", ""))
            self._choose_next()

    def put_picture(self, picture: NDArray[np.uint8], name: str, fit: Fit, *, invert: bool) -> None:
        """Put the code of a picture (rows, columns, 1, 3 or 4), 0 … 255, into the chosen slot, and choose the next."""
        opened = self._space.opened
        if opened is None or not self._space.can("encode"):
            self.tell(f"{self._space.family} has no encoder: find the code of {name} under Your image, then Put code.")
            return
        levels = fit_picture(picture, opened.info.image, fit, invert=invert)
        told = f"{name} {fit_description(picture, opened.info.image, fit, invert=invert)}."
        self._encode(_Asked(self.slot, levels, name, told))
        self._choose_next()

    def tell(self, problem: str) -> None:
        """Say that something went wrong, in a sentence."""
        self.problem = problem
        self.changed.emit()

    def take(self) -> None:
        """Go to the code a - b + c."""
        result = self.result
        if result is not None:
            self._space.set_code(result)

    def clear(self) -> None:
        """Empty the slots."""
        self._on_halted()
        self.operands, self.images, self.slot, self.problem = {}, {}, "a", ""
        self.changed.emit()

    def _choose_next(self) -> None:
        self.choose_slot(SLOTS[(SLOTS.index(self.slot) + 1) % len(SLOTS)])

    def _put(self, slot: Slot, operand: Operand) -> None:
        self.operands = {**self.operands, slot: operand}
        self.problem = ""
        self._decode()
        self.changed.emit()

    def _encode(self, wanted: _Asked) -> None:
        self._encoding = {request: asked for request, asked in self._encoding.items() if asked.slot != wanted.slot}
        source, run = wanted.source, self._space.run
        if isinstance(source, tuple):
            request = self._events.send(Encode(run=run, split=source[0], index=source[1]))
        else:
            request = self._events.send(EncodeImage(run=run, image=Array.of(source)))
        self._encoding[request] = wanted

    def _decode(self) -> None:
        codes = {str(slot): operand.code for slot, operand in self.operands.items()}
        if self.result is not None:
            codes["result"] = self.result
        if codes and self._space.opened is not None:
            self._order = tuple(codes)
            self._latest.submit(Decode(run=self._space.run, codes=Array.of(np.stack(list(codes.values())))))

    def _refresh(self) -> None:
        """With the newest weights; images of the data are encoded anew, which decodes as well."""
        if self._latest.busy or self._encoding:
            return
        again = [
            _Asked(slot, operand.source, operand.title, operand.told)
            for slot, operand in self.operands.items()
            if operand.source is not None
        ]
        for wanted in again:
            self._encode(wanted)
        if not again:
            self._decode()

    def _on_encoded(self, event: Encoded) -> None:
        asked = self._encoding.pop(event.request, None)
        if asked is not None:
            title = asked.title
            if isinstance(asked.source, tuple):
                number = f"{asked.source[0]} {asked.source[1]}"
                title = f"{event.label} ({number})" if event.label else number
            self._put(asked.slot, Operand(event.code.numpy(), title, asked.source, asked.told, event.label))

    def _on_decoded(self, event: Decoded) -> None:
        command = self._latest.answered
        assert isinstance(command, Decode)
        images = event.images.numpy()
        if len(images) == len(self._order):
            self.images = dict(zip(self._order, images, strict=True))
            self.changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        self.tell("" if event.reason is Reason.ENGINE_GONE else event.message)

    def _on_encode_failed(self, event: CommandFailed) -> None:
        if self._encoding.pop(event.request, None) is not None:
            self._on_failed(event)

    def _on_halted(self) -> None:
        self._latest.reset()
        self._encoding.clear()

r"""Exact parallel sampling block by block (Gauss–Seidel): one block of consecutive steps is guessed until it is final.

What the final sub-pixels before a block contribute to its conditionals is computed once, when the block is entered. A
round then computes only what depends on the block's own guesses, and only for images whose guesses still changed, so
that the rounds together cost little more than one pass. See ``fixed_point`` for the iteration and its sources.

Shape legend: B batch, A images of it that are not final in the block, C channels, H height, W width, L levels, D
sub-pixels (C·H·W), n steps of a block.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.families.autoregressive.drawing import ExactConditionals, IntArray
from gmstudio.families.autoregressive.fixed_point import Redrawing
from gmstudio.nn.stepping.ops import FloatArray
from gmstudio.protocol.images import ImageSpec

Values = NDArray[np.uint8]


class BlockConditionals(Protocol):
    """Computation of the conditionals of a block of steps at once."""

    blocks: list[slice]
    """Consecutive steps of the order, all of them together."""
    repeats: bool
    """A block is first guessed to be like the one before it, as rows of an image are; else to be 0."""

    def enter(self, block: slice, before_Bn: Values) -> None:
        """Go on to the next block.

        Args:
            block: the next one, or at first any one.
            before_Bn: the final values of the block before it; at first those of all steps before it.
        """

    def logits(self, values_An: Values, active_A: IntArray) -> FloatArray:
        """Conditionals of the block's steps given guesses of the block's values.

        Args:
            values_An: the guesses.
            active_A: images of the batch that they belong to.

        Returns:
            (A, n, L) log-probabilities, up to a constant; the ones at a step do not depend on guesses from it on.
        """


def even_blocks(size: int, length: int) -> list[slice]:
    """Consecutive steps in blocks of this length; the last one may be shorter."""
    return [slice(start, min(start + length, size)) for start in range(0, size, length)]


class EvenBlocks:
    """Frame of conditionals that read intensities in [0, 1], in blocks that are first guessed to be 0.

    Args:
        image: specification of the images.
        length: steps of a block.

    Attributes:
        unit: intensity of level 1.
    """

    repeats = False

    def __init__(self, image: ImageSpec, length: int) -> None:
        self.blocks = even_blocks(image.num_dims, length)
        self.unit = np.float32(1.0 / (image.levels - 1))


class BlockSweep:
    """Samples a batch of images, block by block.

    Args:
        conditionals: those of the model.
        exact: the same in double precision.
        image: specification of the images.
        images_BCHW: the images, filled in as it goes; contiguous.
        uniforms_DB: row ``i`` is used at step ``i``.
        order_D3: the generation order.
        temperature: divides the logits.
        num_given: leading sub-pixels of the order that are in the images already.

    Attributes:
        num_rounds: rounds of all blocks so far.
        num_computed: conditionals computed so far, of all images.
    """

    def __init__(
        self,
        conditionals: BlockConditionals,
        exact: ExactConditionals,
        image: ImageSpec,
        images_BCHW: Values,
        uniforms_DB: FloatArray,
        order_D3: Tensor,
        temperature: float,
        num_given: int = 0,
    ) -> None:
        self._conditionals = conditionals
        self._images_BCHW = images_BCHW
        self._flat_BD = images_BCHW.reshape(len(images_BCHW), -1)
        self._redrawing = Redrawing(exact, image, uniforms_DB, order_D3, temperature)
        self._num_given = num_given
        self.num_rounds = 0
        self.num_computed = 0

    def run(self) -> Iterator[int]:
        """Yield after each round: leading sub-pixels of the order that are final, in blocks."""
        entered = 0
        for block in self._conditionals.blocks:
            if block.stop <= self._num_given:
                continue
            before_Bn = self._flat_BD[:, self._redrawing.index_D[entered : block.start]]
            self._conditionals.enter(block, before_Bn)
            if self._conditionals.repeats and block.start >= max(self._num_given, 1):
                own_n = self._redrawing.index_D[block]
                self._flat_BD[:, own_n] = before_Bn[:, -len(own_n) :]
            for _ in self._settle(block):
                yield max(block.start, self._num_given)
            entered = block.start
            yield block.stop

    def _settle(self, block: slice) -> Iterator[None]:
        """Guess the values of a block until none changes any more; yield between the rounds."""
        own_n = self._redrawing.index_D[block]
        active_A = np.arange(len(self._flat_BD))
        guess_An = self._flat_BD[:, own_n]
        while len(active_A):
            logits_AnL = self._conditionals.logits(guess_An, active_A)
            drawn_An = self._redrawing.drawn(logits_AnL, self._images_BCHW, active_A, block, self._num_given)
            self._flat_BD[active_A[:, np.newaxis], own_n] = drawn_An
            self.num_rounds += 1
            self.num_computed += drawn_An.size
            # A change at the block's last step changes nothing else.
            is_open_A = (drawn_An[:, :-1] != guess_An[:, :-1]).any(axis=1)
            active_A, guess_An = active_A[is_open_A], drawn_An[is_open_A]
            if len(active_A):
                yield

"""Order in which the pixels of an image are computed, wavefront by wavefront, and the inputs of each.

Letters: N directions, F input features, S states, K rows of the gathered inputs of a pixel, P pixels of the image in
raster order, J positions of a wavefront, B images.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Wavefront:
    """Pixels that are computed together.

    Args:
        first: the first position.
        stop: one past the last position.
        pixels: for each direction, the raster indices of the pixels, position by position.
    """

    first: int
    stop: int
    pixels: tuple[slice, ...]

    @property
    def positions(self) -> slice:
        """Own positions."""
        return slice(self.first, self.stop)


@dataclass(frozen=True)
class Sweep:
    """All wavefronts, and which inputs and states a pixel reads.

    Args:
        wavefronts: together they contain each pixel once per direction. From one to the next neither the first
            position nor the end goes back, and the end advances by one at most.
        num_positions: number of positions; those of a wavefront are a range of them.
        input_shifts: distances to the left, in positions, at which inputs of the same wavefront are read.
        state_shifts: offsets, in positions, at which states of the previous wavefront are read: consecutive, ascending.
    """

    wavefronts: Sequence[Wavefront]
    num_positions: int
    input_shifts: tuple[int, ...]
    state_shifts: tuple[int, ...]

    @property
    def padding(self) -> int:
        """Positions of zeros that the states need on either side."""
        return max((abs(shift) for shift in self.state_shifts), default=0)

    def new_states(self, like: Tensor, directions: int, num_states: int) -> Tensor:
        """(N, S, padded positions, B) zeros."""
        return like.new_zeros(directions, num_states, self.num_positions + 2 * self.padding, like.shape[-1])

    def new_cells(self, like: Tensor, directions: int, num_states: int, number: int) -> Tensor:
        """Memory for the cells of a wavefront, given its number: (N, S, J, B).

        Where the next wavefront goes beyond this one there are zeros. All cells before the first one, -1, are zero.
        """
        if number < 0:
            return like.new_zeros(directions, num_states, self._count(0), like.shape[-1])
        beyond = self._beyond(number)
        cells_NSJB = like.new_empty(directions, num_states, self._count(number) + beyond, like.shape[-1])
        if beyond:
            cells_NSJB[:, :, -beyond:] = 0.0
        return cells_NSJB

    def cells_before(self, number: int, cells_NSJB: Tensor) -> Tensor:
        """Cells, of the wavefront before, at the positions of a wavefront, given its number."""
        start = self.wavefronts[number].first - self.wavefronts[number - 1].first if number else 0
        return cells_NSJB[:, :, start : start + self._count(number)]

    def of_wavefront(self, values_NSPB: Tensor, number: int) -> Tensor:
        """Copy of the values at the pixels of a wavefront, given its number: (N, S, J, B)."""
        own = [values_NSPB[direction, :, pixels] for direction, pixels in enumerate(self.wavefronts[number].pixels)]
        return torch.stack(own)

    def _count(self, number: int) -> int:
        return self.wavefronts[number].stop - self.wavefronts[number].first

    def _beyond(self, number: int) -> int:
        """Positions that the next wavefront has behind the end of this one."""
        following = self.wavefronts[number + 1 : number + 2]
        return following[0].stop - self.wavefronts[number].stop if following else 0

    def read(self, x_FPB: Tensor, states_NSJB: Tensor, wavefront: Wavefront, out_NKJB: Tensor) -> None:
        """Gather the inputs of a wavefront: features, states of the previous one (padded), and a one for the bias.

        Args:
            x_FPB: features.
            states_NSJB: states of the previous wavefront, from ``new_states``.
            wavefront: whose inputs are gathered.
            out_NKJB: [inputs at each input shift, states at each state shift, one].
        """
        features, count = len(x_FPB), wavefront.stop - wavefront.first
        for direction, pixels in enumerate(wavefront.pixels):
            x_FJB = x_FPB[:, pixels]
            for tap, shift in enumerate(self.input_shifts):
                place_FJB = out_NKJB[direction, tap * features : (tap + 1) * features]
                if shift:
                    place_FJB[:, :shift] = 0.0
                    place_FJB[:, shift:] = x_FJB[:, : max(0, count - shift)]
                else:
                    place_FJB.copy_(x_FJB)
        out_NKJB[:, -1] = 1.0
        if self.state_shifts:
            taps, row = len(self.state_shifts), len(self.input_shifts) * features
            start = self.padding + wavefront.first + self.state_shifts[0]
            windows_NSJBT = states_NSJB[:, :, start : start + count + taps - 1].unfold(2, taps, 1)
            place_NKJB = out_NKJB[:, row : row + taps * states_NSJB.shape[1]]
            place_NKJB.unflatten(1, (taps, -1)).copy_(windows_NSJBT.permute(0, 4, 1, 2, 3))

    def recall(self, out_NSPB: Tensor, number: int, states_NSJB: Tensor) -> None:
        """Restore the states as they were before a wavefront, given its number, from all states.

        What is beyond the wavefront before, and within reach, is set to zero.
        """
        if number == 0:
            states_NSJB.zero_()
            return
        before, wavefront = self.wavefronts[number - 1], self.wavefronts[number]
        for direction, pixels in enumerate(before.pixels):
            states_NSJB[direction, :, self.padded(before)] = out_NSPB[direction, :, pixels]
        if wavefront.stop > before.stop:
            states_NSJB[:, :, self.padding + before.stop : self.padding + wavefront.stop] = 0.0

    def add_input_gradients(self, d_read_NKJB: Tensor, d_x_FPB: Tensor, wavefront: Wavefront) -> None:
        """Add the gradients of gathered inputs to those of the features."""
        features, count = len(d_x_FPB), wavefront.stop - wavefront.first
        for direction, pixels in enumerate(wavefront.pixels):
            d_x_FJB = d_x_FPB[:, pixels]
            for tap, shift in enumerate(self.input_shifts):
                d_place_FJB = d_read_NKJB[direction, tap * features : (tap + 1) * features]
                # Not `+=`, which would then assign the sum to the slice once more.
                d_x_FJB[:, : max(0, count - shift)].add_(d_place_FJB[:, shift:])

    def add_state_gradients(self, d_read_NKJB: Tensor, d_states_NSJB: Tensor, number: int) -> None:
        """Add the gradients of gathered states to those of the wavefront before, without padding: (N, S, J, B)."""
        before, wavefront = self.wavefronts[number - 1], self.wavefronts[number]
        states = d_states_NSJB.shape[1]
        row = d_read_NKJB.shape[1] - 1 - states * len(self.state_shifts)
        for shift in self.state_shifts:
            first, stop = max(before.first, wavefront.first + shift), min(before.stop, wavefront.stop + shift)
            if stop > first:
                start = first - shift - wavefront.first
                own_NSJB = d_read_NKJB[:, row : row + states, start : start + stop - first]
                d_states_NSJB[:, :, first - before.first : stop - before.first].add_(own_NSJB)
            row += states

    def padded(self, wavefront: Wavefront) -> slice:
        """Slice of a wavefront's own states among the padded positions."""
        return slice(self.padding + wavefront.first, self.padding + wavefront.stop)


class WavefrontBuffer:
    """Memory for some rows of any wavefront; always the same, so that it stays in the processor's cache.

    Args:
        like: a tensor (…, B) of the same kind.
        directions: N.
        num_rows: K.
        num_positions: the most that a wavefront has.
    """

    def __init__(self, like: Tensor, directions: int, num_rows: int, num_positions: int) -> None:
        self._batch = like.shape[-1]
        self._flat = like.new_empty(directions * num_rows * num_positions * self._batch)
        self._directions, self._num_rows = directions, num_rows

    def of(self, wavefront: Wavefront) -> Tensor:
        """(N, K, J, B) for a wavefront."""
        shape = (self._directions, self._num_rows, wavefront.stop - wavefront.first, self._batch)
        return self._flat[: math.prod(shape)].view(shape)

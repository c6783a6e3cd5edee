"""Order in which an LSTM computes the pixels of an image, wavefront by wavefront, and the states that each one reads.

Letters: N directions, S states, J positions of a wavefront, R rows of its gathered states, P pixels in the order of the
sweep, B images.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Wavefront:
    """Pixels that are computed together.

    Args:
        first: the first position.
        stop: one past the last position.
        start: number of pixels in the wavefronts before.
    """

    first: int
    stop: int
    start: int

    @property
    def size(self) -> int:
        """J."""
        return self.stop - self.first

    @property
    def positions(self) -> slice:
        """Own positions among all positions."""
        return slice(self.first, self.stop)

    @property
    def pixels(self) -> slice:
        """Own pixels among all pixels."""
        return slice(self.start, self.start + self.size)


@dataclass(frozen=True)
class Sweep:
    """All wavefronts, and which inputs and states a pixel reads; the same for every direction.

    Args:
        wavefronts: in their order. From one to the next neither the first position nor the end goes back.
        num_positions: number of positions; those of a wavefront are a range of them.
        input_shifts: distances to the left, in positions, at which inputs of the same wavefront are read; 0 is one.
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

    def new_states(self, like_NSPB: Tensor) -> Tensor:
        """(N, S, padded positions, B) zeros."""
        directions, states, _, batch = like_NSPB.shape
        return like_NSPB.new_zeros(directions, states, self.num_positions + 2 * self.padding, batch)

    def new_cells(self, number: int, like_NSPB: Tensor) -> Tensor:
        """Memory for the cells of a wavefront, given its number: (N, S, J, B).

        Where the next wavefront goes beyond this one there are zeros. All cells before the first one, -1, are zero.
        """
        directions, states, _, batch = like_NSPB.shape
        if number < 0:
            return like_NSPB.new_zeros(directions, states, self.wavefronts[0].size, batch)
        beyond = self._beyond(number)
        cells_NSJB = like_NSPB.new_empty(directions, states, self.wavefronts[number].size + beyond, batch)
        if beyond:
            cells_NSJB[:, :, -beyond:].zero_()
        return cells_NSJB

    def cells_before(self, number: int, cells_NSJB: Tensor) -> Tensor:
        """Cells, of the wavefront before, at the positions of a wavefront, given its number."""
        own = self.wavefronts[number]
        return cells_NSJB.narrow(2, own.first - self.wavefronts[max(0, number - 1)].first, own.size)

    def padded(self, number: int) -> tuple[int, int]:
        """First of a wavefront's own states among the padded positions, and their number."""
        return self.padding + self.wavefronts[number].first, self.wavefronts[number].size

    def gather(self, number: int, states_NSJB: Tensor, out_NRJB: Tensor) -> None:
        """Copy the states that a wavefront reads: those at each state shift, one after the other.

        Args:
            number: of the wavefront.
            states_NSJB: padded states of the wavefront before.
            out_NRJB: R = 1 + S times the number of shifts; the last row is left as it is.
        """
        if self.state_shifts:
            (start, size), taps = self.padded(number), len(self.state_shifts)
            windows_NSJBT = states_NSJB.narrow(2, start + self.state_shifts[0], size + taps - 1).unfold(2, taps, 1)
            out_NRJB[:, :-1].unflatten(1, (taps, -1)).copy_(windows_NSJBT.permute(0, 4, 1, 2, 3))

    def recall(self, number: int, out_NSPB: Tensor, states_NSJB: Tensor) -> None:
        """Restore the padded states as they were before a wavefront, given its number, from all states.

        What is behind the wavefront before, and within reach, is set to zero.
        """
        if number == 0:
            states_NSJB.zero_()
            return
        start, size = self.padded(number - 1)
        states_NSJB.narrow(2, start, size).copy_(out_NSPB[:, :, self.wavefronts[number - 1].pixels])
        beyond = self._beyond(number - 1)
        if beyond:
            states_NSJB.narrow(2, start + size, beyond).zero_()

    def add_state_gradients(self, number: int, d_read_NRJB: Tensor, d_states_NSJB: Tensor) -> None:
        """Add the gradients of the states that a wavefront reads to those of the wavefront before, without padding."""
        before, own = self.wavefronts[number - 1], self.wavefronts[number]
        for tap, shift in enumerate(self.state_shifts):
            d_tap_NSJB = d_read_NRJB.narrow(1, tap * d_states_NSJB.shape[1], d_states_NSJB.shape[1])
            first, stop = max(before.first, own.first + shift), min(before.stop, own.stop + shift)
            if stop > first:
                place_NSJB = d_states_NSJB.narrow(2, first - before.first, stop - first)
                place_NSJB.add_(d_tap_NSJB.narrow(2, first - shift - own.first, stop - first))

    def _beyond(self, number: int) -> int:
        """Positions that the next wavefront has behind the end of this one."""
        following = self.wavefronts[number + 1 : number + 2]
        return following[0].stop - self.wavefronts[number].stop if following else 0

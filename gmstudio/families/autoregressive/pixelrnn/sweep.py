"""Order in which an LSTM computes the pixels of an image, wavefront by wavefront, and the states that each one reads.

States and cells of all pixels are *stored* with zeros before, between and behind the wavefronts, so that a wavefront
reads those outside the image like any others.

Letters: N directions, F features, S states, T state shifts, J positions of a wavefront, P pixels in the order of the
sweep, Q stored places, B images, M = J·B columns.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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

    @cached_property
    def padding(self) -> int:
        """Positions of zeros on either side of a wavefront's states and cells: as many as the next one reads."""
        pairs = itertools.pairwise(self.wavefronts)
        beyond = max((following.stop - before.stop for before, following in pairs), default=0)
        return max(beyond + max(self.state_shifts, default=0), beyond, *(-shift for shift in self.state_shifts))

    @cached_property
    def num_stored(self) -> int:
        """Q."""
        return sum(wavefront.size for wavefront in self.wavefronts) + (len(self.wavefronts) + 1) * self.padding

    @cached_property
    def stored_starts(self) -> list[int]:
        """Each wavefront's first place among the stored ones."""
        return [wavefront.start + (number + 1) * self.padding for number, wavefront in enumerate(self.wavefronts)]

    @cached_property
    def stored_places(self) -> list[int]:
        """Each pixel's place among the stored ones."""
        pairs = zip(self.stored_starts, self.wavefronts, strict=True)
        return [place for start, wavefront in pairs for place in range(start, start + wavefront.size)]

    def new_stored(self, like_NFPB: Tensor, num_states: int) -> Tensor:
        """Memory for the states or cells of all wavefronts: (N, S, Q, B), with zeros between the wavefronts."""
        directions, _, _, batch = like_NFPB.shape
        stored_NSQB = like_NFPB.new_empty(directions, num_states, self.num_stored, batch)
        for gap_NSM in self._parts(stored_NSQB)[::2]:
            gap_NSM.zero_()
        return stored_NSQB

    def own_stored(self, stored_NSQB: Tensor) -> Sequence[Tensor]:
        """States or cells of each wavefront: (N, S, M)."""
        return self._parts(stored_NSQB)[1::2]

    def own(self, values_NFPB: Tensor, shift: int = 0) -> Sequence[Tensor]:
        """Values at each wavefront's pixels, except at its last ``shift`` positions: (N, F, M)."""
        batch = values_NFPB.shape[3]
        sizes = [max(0, wavefront.size - shift) for wavefront in self.wavefronts]
        pairs = zip(sizes, self.wavefronts, strict=True)
        parts = [batch * part for size, wavefront in pairs for part in (size, wavefront.size - size)]
        split: Sequence[Tensor] = values_NFPB.flatten(2).split(parts, 2)
        return split[::2]

    def cells_before(self, number: int, cells_NSQB: Tensor) -> Tensor:
        """Cells, of the wavefront before, at the positions of a wavefront, given its number: (N, S, M)."""
        own, batch = self.wavefronts[number], cells_NSQB.shape[3]
        if number == 0:
            return cells_NSQB.new_zeros(*cells_NSQB.shape[:2], own.size * batch)
        start = self._start_before(number)
        return cells_NSQB.flatten(2).narrow(2, start * batch, own.size * batch)

    def windows(self, states_NSQB: Tensor) -> Tensor:
        """States at as many consecutive places as there are state shifts, from each on: (N, T, S, Q - T + 1, B)."""
        return states_NSQB.unfold(2, len(self.state_shifts), 1).permute(0, 4, 1, 2, 3)

    def read(self, number: int, windows_NTSQB: Tensor) -> Tensor:
        """States that a wavefront, not the first, reads, given its number: (N, T, S, J, B)."""
        start = self._start_before(number) + self.state_shifts[0]
        return windows_NTSQB.narrow(3, start, self.wavefronts[number].size)

    def read_pairs(self, number: int, d_read_NKM: Tensor, d_states_NSM: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Where the gradients of the states that a wavefront reads belong in those of the wavefront before.

        Args:
            number: of the wavefront, not the first.
            d_read_NKM: gradients of the states at each state shift, one after the other.
            d_states_NSM: gradients of the states of the wavefront before.

        Returns:
            For each state shift the part of ``d_states_NSM``, and what has to be added to it.
        """
        before, own = self.wavefronts[number - 1], self.wavefronts[number]
        pairs, batch = [], d_states_NSM.shape[2] // before.size
        for shift, d_tap_NSM in zip(self.state_shifts, d_read_NKM.split(d_states_NSM.shape[1], 1), strict=True):
            first, stop = max(before.first, own.first + shift), min(before.stop, own.stop + shift)
            if stop > first:
                count = (stop - first) * batch
                place_NSM = d_states_NSM.narrow(2, (first - before.first) * batch, count)
                pairs.append((place_NSM, d_tap_NSM.narrow(2, (first - shift - own.first) * batch, count)))
        return pairs

    def shape(self, number: int) -> tuple[int, int, int]:
        """Sizes of a wavefront and of the one before, and the step between their first positions."""
        before, own = self.wavefronts[max(0, number - 1)], self.wavefronts[number]
        return own.size, before.size, own.first - before.first

    def _start_before(self, number: int) -> int:
        """Stored place of a wavefront's first position in the wavefront before."""
        before, own = self.wavefronts[number - 1], self.wavefronts[number]
        return self.stored_starts[number - 1] + own.first - before.first

    def _parts(self, stored_NSQB: Tensor) -> Sequence[Tensor]:
        """Zeros and wavefronts in turn: (N, S, M)."""
        batch, gap = stored_NSQB.shape[3], self.padding * stored_NSQB.shape[3]
        sizes = [part for wavefront in self.wavefronts for part in (gap, wavefront.size * batch)]
        parts: Sequence[Tensor] = stored_NSQB.flatten(2).split([*sizes, gap], 2)
        return parts

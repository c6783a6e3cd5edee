"""A numpy array on the wire."""

from functools import cache
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

_name_of = cache(str)
"""Name of a dtype, which numpy puts together anew each time."""


class ProtocolError(ValueError):
    """Bytes that are no frame of this protocol."""


class Array(msgspec.Struct, frozen=True):
    """A numpy array on the wire: dtype name, shape and raw C-order bytes; never pickle."""

    dtype: Literal["uint8", "int64", "int32", "float32", "float64", "bool"]
    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, array: NDArray[Any]) -> "Array":
        """Wrap an array."""
        array = np.asarray(array, order="C")
        return cls(_name_of(array.dtype), array.shape, array.tobytes())  # type: ignore[arg-type]

    def numpy(self) -> NDArray[Any]:
        """The array, read-only, sharing the received bytes.

        Raises:
            ProtocolError: when dtype, shape and byte count do not fit one another.
        """
        try:
            return np.frombuffer(self.data, dtype=np.dtype(self.dtype)).reshape(self.shape)
        except (ValueError, TypeError) as error:
            raise ProtocolError(f"An array of {len(self.data)} bytes is no {self.dtype} {self.shape}.") from error

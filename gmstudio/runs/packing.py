"""Arrays as they are stored in a history: shape and type as text, the content compressed, read back within bounds."""

import json
import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_IMAGE_BYTES = 1 << 30
_IMAGE_DTYPES = ("uint8", "int64", "int32", "float16", "float32", "float64", "bool")


def packed(images: NDArray[Any]) -> tuple[str, str, bytes]:
    """Shape, data type and compressed content of an array, as they are stored.

    Raises:
        ValueError: for a data type that is not stored.
    """
    array = np.asarray(images)
    if array.dtype.name not in _IMAGE_DTYPES:
        raise ValueError(f"Images of type {array.dtype} cannot be kept; use one of {', '.join(_IMAGE_DTYPES)}.")
    raw = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return json.dumps(array.shape), array.dtype.name, zlib.compress(raw, 1)


def unpacked(shape_text: str, dtype_name: str, payload: bytes) -> NDArray[Any]:
    """Array from what ``packed`` returned.

    Raises:
        ValueError: when it is damaged; ``TypeError``, ``RecursionError`` and ``zlib.error``, too.
    """
    shape = json.loads(shape_text)
    if dtype_name not in _IMAGE_DTYPES or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ValueError(f"{dtype_name} {shape_text}")
    dtype = np.dtype(dtype_name).newbyteorder("<")
    size = math.prod(shape) * dtype.itemsize
    if size > MAX_IMAGE_BYTES:
        raise ValueError(f"{size} bytes")
    unpacker = zlib.decompressobj()
    raw = unpacker.decompress(payload, size + 1)
    if len(raw) != size or not (unpacker.eof or size == 0):
        raise ValueError(f"{len(raw)} bytes for {size}")
    return np.frombuffer(bytearray(raw), dtype).reshape(shape).astype(dtype_name, copy=False)

"""Messages between the engine and its process that computes projections, framed as those of the protocol.

The engine sends a ``ProjectionTask`` and its features as ``FeatureRows``; the process answers with any number of
``TaskReport`` and, last, ``TaskResult`` or ``TaskFailure``. It computes one task at a time and ends when its standard
input closes.
"""

import struct

import msgspec

from gmstudio.protocol.array import Array, ProtocolError
from gmstudio.protocol.features_projection import ProjectionMethod, ProjectionSettings

ROWS_BYTES = 8 * 1024 * 1024
"""Bytes of features in one message."""
_HEADER = struct.Struct("<I")


class ProjectionTask(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Request of a projection; its features follow.

    Args:
        number: of the task, which the replies repeat.
        method: of the projection, any but ``dimensions``.
        settings: of the method, that fit the number of images.
        num_images: rows of features.
        num_dims: features of each image.
        threads: that the work may use.
    """

    number: int
    method: ProjectionMethod
    settings: ProjectionSettings
    num_images: int
    num_dims: int
    threads: int = 1


class FeatureRows(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Features of the next images of a task, (n, F) float32."""

    number: int
    rows: Array


class TaskReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Progress of a task.

    Args:
        number: of the task.
        stage: what is done.
        share: done of the whole work, 0 to 1; negative: unknown.
        places: (N, 2) float32 points so far; None: none are known.
    """

    number: int
    stage: str
    share: float = -1.0
    places: Array | None = None


class TaskResult(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Result of a task.

    Args:
        number: of the task.
        places: (N, D) float32: D = 2 points; of ``pca`` the first ``MAX_COMPONENTS`` components.
        explained: share of the variance of each principal component; empty: the method has none.
    """

    number: int
    places: Array
    explained: tuple[float, ...] = ()


class TaskFailure(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Failure of a task: ``message`` is a sentence for people, ``detail`` a traceback."""

    number: int
    message: str
    detail: str = ""


ToWorker = ProjectionTask | FeatureRows
FromWorker = TaskReport | TaskResult | TaskFailure
_ENCODER = msgspec.msgpack.Encoder()
_TO_WORKER = msgspec.msgpack.Decoder(ToWorker)
_FROM_WORKER = msgspec.msgpack.Decoder(FromWorker)


def worker_frame(message: ToWorker | FromWorker) -> bytes:
    """Encode a message with its length in front."""
    body = _ENCODER.encode(message)
    return _HEADER.pack(len(body)) + body


def decode_to_worker(body: bytes) -> ToWorker:
    """Decode a frame's body.

    Raises:
        ProtocolError: when it is none of the engine's messages.
    """
    try:
        message: ToWorker = _TO_WORKER.decode(body)
        return message
    except msgspec.DecodeError as error:
        raise ProtocolError(f"Not a message to the projecting process: {error}") from error


def decode_from_worker(body: bytes) -> FromWorker:
    """Decode a frame's body.

    Raises:
        ProtocolError: when it is none of the process's messages.
    """
    try:
        message: FromWorker = _FROM_WORKER.decode(body)
        return message
    except msgspec.DecodeError as error:
        raise ProtocolError(f"Not a message of the projecting process: {error}") from error

"""Every command and event that window and engine exchange, and how they are framed.

A frame is a 4-byte little-endian length and that many bytes of MessagePack. Commands go to the engine's standard
input, events come from its standard output. See docs/protocol.md.
"""

import struct
from collections.abc import Iterator

import msgspec

from gmstudio.array import Array, ProtocolError
from gmstudio.commands import (
    AdvancePixels,
    BrowseData,
    ChooseDevice,
    ClosePixels,
    Command,
    ComparePixels,
    DescribeModel,
    DrawFigures,
    EditPixel,
    ExplainPixel,
    FetchSamples,
    ForgetPath,
    ForkPixels,
    KeepNotes,
    ListRuns,
    MarkCheckpoint,
    OpenPixels,
    OpenRun,
    PaceTraining,
    PauseTraining,
    Ping,
    PlacePixel,
    ResumeRun,
    ResumeTraining,
    RewindPixels,
    Shutdown,
    StartTraining,
    StepTraining,
    StopTraining,
)
from gmstudio.events import (
    Catalog,
    CheckpointSaved,
    CommandFailed,
    DataBrowsed,
    Done,
    EngineReported,
    Event,
    FigureDrawn,
    FiguresDrawn,
    HistoryAppended,
    ModelDescribed,
    PixelExplained,
    PixelsCompared,
    PixelsForked,
    PixelsMoved,
    PixelsOpened,
    Pong,
    RunInfo,
    RunOpened,
    RunsListed,
    SamplesDrawn,
    Series,
    TrainingChanged,
)
from gmstudio.latent_commands import (
    Decode,
    Encode,
    EncodeImage,
    EncodeSplit,
    FindDirections,
    MeasureLatents,
    ProjectImage,
    RunTimeline,
)
from gmstudio.latent_events import (
    CodesEncoded,
    Decoded,
    DirectionsFound,
    Encoded,
    ImageProjected,
    LatentsMeasured,
    TimelineAppended,
)

__all__ = [
    "COMMANDS",
    "EVENTS",
    "MAX_FRAME_BYTES",
    "PROTOCOL_VERSION",
    "AdvancePixels",
    "AnyCommand",
    "AnyEvent",
    "Array",
    "BrowseData",
    "Catalog",
    "CheckpointSaved",
    "ChooseDevice",
    "ClosePixels",
    "CodesEncoded",
    "Command",
    "CommandFailed",
    "ComparePixels",
    "DataBrowsed",
    "Decode",
    "Decoded",
    "DescribeModel",
    "DirectionsFound",
    "Done",
    "DrawFigures",
    "EditPixel",
    "Encode",
    "EncodeImage",
    "EncodeSplit",
    "Encoded",
    "EngineReported",
    "Event",
    "ExplainPixel",
    "FetchSamples",
    "FigureDrawn",
    "FiguresDrawn",
    "FindDirections",
    "ForgetPath",
    "ForkPixels",
    "FrameReader",
    "HistoryAppended",
    "ImageProjected",
    "KeepNotes",
    "LatentsMeasured",
    "ListRuns",
    "MarkCheckpoint",
    "MeasureLatents",
    "ModelDescribed",
    "OpenPixels",
    "OpenRun",
    "PaceTraining",
    "PauseTraining",
    "Ping",
    "PixelExplained",
    "PixelsCompared",
    "PixelsForked",
    "PixelsMoved",
    "PixelsOpened",
    "PlacePixel",
    "Pong",
    "ProjectImage",
    "ProtocolError",
    "ResumeRun",
    "ResumeTraining",
    "RewindPixels",
    "RunInfo",
    "RunOpened",
    "RunTimeline",
    "RunsListed",
    "SamplesDrawn",
    "Series",
    "Shutdown",
    "StartTraining",
    "StepTraining",
    "StopTraining",
    "TimelineAppended",
    "TrainingChanged",
    "decode_command",
    "decode_event",
    "frame",
]

PROTOCOL_VERSION = 1
MAX_FRAME_BYTES = 256 * 1024 * 1024
_HEADER = struct.Struct("<I")

COMMANDS: tuple[type[Command], ...] = tuple(Command.__subclasses__())
EVENTS: tuple[type[Event], ...] = tuple(Event.__subclasses__())

_ENCODER = msgspec.msgpack.Encoder()
AnyCommand = (
    Ping
    | ChooseDevice
    | Shutdown
    | BrowseData
    | DescribeModel
    | StartTraining
    | ResumeRun
    | PauseTraining
    | ResumeTraining
    | StepTraining
    | StopTraining
    | MarkCheckpoint
    | ListRuns
    | OpenRun
    | FetchSamples
    | OpenPixels
    | AdvancePixels
    | PlacePixel
    | RewindPixels
    | ForgetPath
    | EditPixel
    | ForkPixels
    | ExplainPixel
    | ComparePixels
    | ClosePixels
    | Decode
    | Encode
    | MeasureLatents
    | PaceTraining
    | DrawFigures
    | KeepNotes
    | EncodeImage
    | ProjectImage
    | EncodeSplit
    | FindDirections
    | RunTimeline
)
AnyEvent = (
    Catalog
    | Pong
    | EngineReported
    | CommandFailed
    | Done
    | DataBrowsed
    | ModelDescribed
    | RunOpened
    | RunsListed
    | TrainingChanged
    | HistoryAppended
    | SamplesDrawn
    | CheckpointSaved
    | PixelsOpened
    | PixelsMoved
    | PixelsForked
    | PixelExplained
    | PixelsCompared
    | Decoded
    | Encoded
    | LatentsMeasured
    | FiguresDrawn
    | ImageProjected
    | CodesEncoded
    | DirectionsFound
    | TimelineAppended
)
_COMMAND_DECODER: msgspec.msgpack.Decoder[AnyCommand] = msgspec.msgpack.Decoder(AnyCommand)
_EVENT_DECODER: msgspec.msgpack.Decoder[AnyEvent] = msgspec.msgpack.Decoder(AnyEvent)


def frame(message: Command | Event) -> bytes:
    """Encode a message with its length in front.

    Raises:
        ProtocolError: when it is longer than the other side would take.
    """
    body = _ENCODER.encode(message)
    if len(body) > MAX_FRAME_BYTES:
        raise ProtocolError(
            f"{type(message).__name__} takes {len(body):,} bytes, and at most {MAX_FRAME_BYTES:,} are sent. "
            "Ask for less at a time."
        )
    return _HEADER.pack(len(body)) + body


def decode_command(body: bytes) -> AnyCommand:
    """Decode a frame's body.

    Raises:
        ProtocolError: when it is no command.
    """
    try:
        return _COMMAND_DECODER.decode(body)
    except msgspec.DecodeError as error:
        raise ProtocolError(f"Not a command: {error}") from error


def decode_event(body: bytes) -> AnyEvent:
    """Decode a frame's body.

    Raises:
        ProtocolError: when it is no event.
    """
    try:
        return _EVENT_DECODER.decode(body)
    except msgspec.DecodeError as error:
        raise ProtocolError(f"Not an event: {error}") from error


class FrameReader:
    """Cuts a stream of bytes, arriving in any pieces, into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take more bytes; yields the body of every frame that is complete.

        Raises:
            ProtocolError: when a length is absurd (the stream is not ours).
        """
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            (length,) = _HEADER.unpack_from(self._buffer)
            if length > MAX_FRAME_BYTES:
                raise ProtocolError(f"A frame of {length:,} bytes; at most {MAX_FRAME_BYTES:,} are allowed.")
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            yield body

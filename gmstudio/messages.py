"""Every command and event that window and engine exchange, and how they are framed.

A frame is a 4-byte little-endian length and that many bytes of MessagePack. Commands go to the engine's standard
input, events come from its standard output. Every command carries a request number that its reply repeats;
``request`` 0 in an event means that nobody asked. See docs/protocol.md.
"""

import struct
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio.cards import DataEntry, FamilyEntry, ImageSpec, LatentSpec, Objective, Training

PROTOCOL_VERSION = 1
MAX_FRAME_BYTES = 256 * 1024 * 1024
_HEADER = struct.Struct("<I")


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
        return cls(str(array.dtype), array.shape, array.tobytes())  # type: ignore[arg-type]

    def numpy(self) -> NDArray[Any]:
        """The array, read-only, sharing the received bytes.

        Raises:
            ProtocolError: when dtype, shape and byte count do not fit one another.
        """
        try:
            return np.frombuffer(self.data, dtype=np.dtype(self.dtype)).reshape(self.shape)
        except (ValueError, TypeError) as error:
            raise ProtocolError(f"An array of {len(self.data)} bytes is no {self.dtype} {self.shape}.") from error


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of what the window asks of the engine."""

    request: int = 0


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of what the engine tells the window."""

    request: int = 0


# ---- commands: the engine -------------------------------------------------------------------------------


class Ping(Command, frozen=True, kw_only=True):
    """Answered at once with ``Pong``, even during a long step."""


class ChooseDevice(Command, frozen=True, kw_only=True):
    """Use this device from the next model on: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``."""

    device: str


class Shutdown(Command, frozen=True, kw_only=True):
    """Checkpoint whatever trains, then exit 0."""


# ---- commands: data ---------------------------------------------------------------------------------------


class BrowseData(Command, frozen=True, kw_only=True):
    """Load a data source and show images of one split, from ``start`` on; answered with ``DataBrowsed``."""

    data: str
    data_config: dict[str, Any]
    split: Literal["train", "valid", "test"] = "train"
    start: int = 0
    count: int = 64


class DescribeModel(Command, frozen=True, kw_only=True):
    """Check a config against a data source without training; answered with ``ModelDescribed``."""

    family: str
    config: dict[str, Any]
    data: str
    data_config: dict[str, Any]
    training: dict[str, Any] = {}


# ---- commands: training and runs ----------------------------------------------------------------------------


class StartTraining(Command, frozen=True, kw_only=True):
    """Begin a run; answered with ``RunOpened``. One run trains at a time.

    Args:
        folder: where the run folder goes; empty: a new one in the library of runs.
    """

    family: str
    config: dict[str, Any]
    data: str
    data_config: dict[str, Any]
    training: dict[str, Any]
    folder: str = ""


class ResumeRun(Command, frozen=True, kw_only=True):
    """Continue a run on disk from its latest checkpoint; ``steps`` moves its end; answered with ``RunOpened``."""

    run: str
    steps: int | None = None


class PauseTraining(Command, frozen=True, kw_only=True):
    """Stand still after the current step; no checkpoint is written."""


class ResumeTraining(Command, frozen=True, kw_only=True):
    """Go on after a pause."""


class StepTraining(Command, frozen=True, kw_only=True):
    """While paused: make ``count`` steps and pause again."""

    count: int = 1


class StopTraining(Command, frozen=True, kw_only=True):
    """End the run here and keep it: a checkpoint is written, it can be resumed later."""


class MarkCheckpoint(Command, frozen=True, kw_only=True):
    """Keep a checkpoint for good (or no longer); of the run in training, write one at the current step first."""

    run: str
    marked: bool = True


class ListRuns(Command, frozen=True, kw_only=True):
    """Answered with ``RunsListed``."""


class OpenRun(Command, frozen=True, kw_only=True):
    """Get ready to explore a run (and to show its history); answered with ``RunOpened``, then ``HistoryAppended``."""

    run: str


class FetchSamples(Command, frozen=True, kw_only=True):
    """The kept sample grid of a run at a step (the nearest one not after it); answered with ``SamplesDrawn``."""

    run: str
    step: int


# ---- commands: pixels ---------------------------------------------------------------------------------------


class OpenPixels(Command, frozen=True, kw_only=True):
    """Open a step-by-step generation with the run's current weights; answered with ``PixelsOpened``.

    The session keeps the weights that it was opened with, so its numbers stay exact while training goes on.

    Args:
        seed: of the uniforms that turn probabilities into values.
        given: (C, H, W) levels whose first ``first`` sub-pixels are placed; None: an empty image. As many as fit in
            a few frames are placed at once; the others stand on the remembered path (see ``RewindPixels``).
        weights_of: an open generation of the same run whose weights are to be used; 0: the run's current weights.
    """

    run: str
    seed: int = 0
    given: Array | None = None
    first: int = 0
    weights_of: int = 0


class AdvancePixels(Command, frozen=True, kw_only=True):
    """Generate up to ``count`` sub-pixels, for at most ``budget_ms``; answered with ``PixelsMoved``.

    Values on the remembered path (see ``RewindPixels``) are placed again; beyond it new ones are drawn.
    """

    session: int
    count: int = 1
    temperature: float = 1.0
    budget_ms: float = 12.0


class PlacePixel(Command, frozen=True, kw_only=True):
    """Commit this value at the current position; forgets the path beyond; answered with ``PixelsMoved``."""

    session: int
    value: int


class RewindPixels(Command, frozen=True, kw_only=True):
    """Go to ``step``, back or forward along the remembered path; answered with ``PixelsMoved``.

    Given sub-pixels that no conditional was computed for yet are scored on the way; when that takes longer than a
    few frames the reply stands at an earlier step, and the same command goes on from there.
    """

    session: int
    step: int


class ForgetPath(Command, frozen=True, kw_only=True):
    """Drop the path beyond the current step (a new seed for what follows); answered with ``PixelsMoved``."""

    session: int
    seed: int


class ForkPixels(Command, frozen=True, kw_only=True):
    """Continue the current prefix in ``count`` ways; answered with ``PixelsForked`` many times, the last one done."""

    session: int
    count: int = 16
    seed: int = 0
    temperature: float = 1.0


class ClosePixels(Command, frozen=True, kw_only=True):
    """Let a session go."""

    session: int


# ---- commands: latents --------------------------------------------------------------------------------------


class Decode(Command, frozen=True, kw_only=True):
    """Decode (N, Z) float32 codes with the run's current weights; answered with ``Decoded``."""

    run: str
    codes: Array


class Encode(Command, frozen=True, kw_only=True):
    """Encode a data-set image; answered with ``Encoded``."""

    run: str
    split: Literal["train", "valid", "test"] = "valid"
    index: int = 0


class MeasureLatents(Command, frozen=True, kw_only=True):
    """Measure each latent dimension on validation images; answered with ``LatentsMeasured``."""

    run: str


# ---- events: the engine -------------------------------------------------------------------------------------


class Catalog(Event, frozen=True, kw_only=True):
    """The engine's hello: what it is and what it can do.

    Args:
        first_family: the one to begin with.
        problems: families of other packages that cannot be used, a sentence each.
    """

    protocol: int
    version: str
    pid: int
    families: tuple[FamilyEntry, ...]
    data: tuple[DataEntry, ...]
    devices: tuple[str, ...]
    device: str
    training_schema: dict[str, Any]
    first_family: str = ""
    problems: tuple[str, ...] = ()


class Pong(Event, frozen=True, kw_only=True):
    """The engine's process is alive."""


class EngineReported(Event, frozen=True, kw_only=True):
    """Twice a second while something runs, and at each change of state.

    Args:
        state: what the engine is doing.
        device: name for people, for example ``CPU (2 threads)``.
        memory_bytes: resident memory of the process, or memory allocated on the accelerator.
        job: for example ``Training PixelCNN``; empty when idle.
        step: of ``steps``; 0 when the job does not count.
        rate: units per second.
        rate_unit: for example ``images/s``.
        seconds_left: negative when unknown.
    """

    state: Literal["idle", "training", "paused", "busy"]
    device: str
    memory_bytes: int
    job: str = ""
    step: int = 0
    steps: int = 0
    rate: float = 0.0
    rate_unit: str = ""
    seconds_left: float = -1.0


class CommandFailed(Event, frozen=True, kw_only=True):
    """A command could not be done.

    Args:
        command: its class name.
        message: sentences for people.
        fields: for settings, field name → sentence; keys ``config.x``, ``data_config.x``, ``training.x``.
        detail: a traceback when the engine itself is at fault, else empty.
    """

    command: str
    message: str
    fields: dict[str, str] = {}
    detail: str = ""


class Done(Event, frozen=True, kw_only=True):
    """A command without a reply of its own was carried out."""


# ---- events: data -------------------------------------------------------------------------------------------


class DataBrowsed(Event, frozen=True, kw_only=True):
    """Images (N, C, H, W) uint8 levels of a split, labels (N,) int64 or None, and the sizes of the splits."""

    data: str
    image: ImageSpec
    split: str
    start: int
    sizes: dict[str, int]
    images: Array
    labels: Array | None
    label_names: tuple[str, ...]


class ModelDescribed(Event, frozen=True, kw_only=True):
    """A config fits: its number of parameters and the image spec of the data."""

    family: str
    num_parameters: int
    image: ImageSpec


# ---- events: training and runs --------------------------------------------------------------------------------


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A run, as the window shows it.

    Args:
        run: path of the run folder, the run's identity in all messages.
        status: ``running``, ``paused``, ``stopped``, ``finished``, ``failed`` or ``interrupted`` (the engine died).
        step: steps made.
        best: lowest validation loss so far, or None.
    """

    run: str
    title: str
    family: str
    family_title: str
    config: dict[str, Any]
    data: str
    data_config: dict[str, Any]
    image: ImageSpec
    training: Training
    status: str
    step: int
    created: str
    capabilities: tuple[str, ...] = ()
    checkpoint_steps: tuple[int, ...] = ()
    best: float | None = None
    message: str = ""


class RunOpened(Event, frozen=True, kw_only=True):
    """A run is open for training or exploring.

    Args:
        live: it is the one in training now.
        objective: formula and terms for this run's config.
        latent: its latent space, or None.
    """

    info: RunInfo
    live: bool
    objective: Objective
    latent: LatentSpec | None
    num_parameters: int
    sample_steps: tuple[int, ...]


class RunsListed(Event, frozen=True, kw_only=True):
    """The library of runs, newest first; ``problems`` names the folders that cannot be read, one sentence each."""

    home: str
    runs: tuple[RunInfo, ...]
    problems: tuple[str, ...]


class TrainingChanged(Event, frozen=True, kw_only=True):
    """The run in training changed its status: running, paused, stopped, finished or failed (with a message)."""

    run: str
    status: Literal["running", "paused", "stopped", "finished", "failed"]
    step: int
    message: str = ""


class Series(msgspec.Struct, frozen=True):
    """Consecutive points of one curve: ``name`` in ``split`` (train, valid), int64 steps and float64 values."""

    split: str
    name: str
    steps: Array
    values: Array


class HistoryAppended(Event, frozen=True, kw_only=True):
    """New points of a run's curves; with ``reset`` they replace all there was."""

    run: str
    series: tuple[Series, ...]
    reset: bool = False


class SamplesDrawn(Event, frozen=True, kw_only=True):
    """A grid of samples, (N, C, H, W) uint8, 0 … 255 for showing.

    Args:
        kind: ``samples``, or ``means`` where the decoder's means are shown.
        kept: every step of which a grid is kept, on request; else empty.
    """

    run: str
    step: int
    kind: str
    images: Array
    kept: tuple[int, ...] = ()


class CheckpointSaved(Event, frozen=True, kw_only=True):
    """A checkpoint is on disk and verified."""

    run: str
    step: int
    marked: bool = False


# ---- events: pixels -----------------------------------------------------------------------------------------


class PixelsOpened(Event, frozen=True, kw_only=True):
    """A generation is open; a ``PixelsMoved`` with the same request follows.

    Args:
        session: its number.
        weights_step: training step of the weights it uses.
        order: (D, 3) int64 rows (channel, row, column).
    """

    session: int
    run: str
    image: ImageSpec
    weights_step: int
    order: Array


class PixelsMoved(Event, frozen=True, kw_only=True):
    """Where a generation stands.

    Args:
        step: sub-pixels placed.
        path: length of the remembered path, ≥ step.
        image: (C, H, W) uint8 levels.
        nats: (step,) float32, −log p of each placed sub-pixel in order, at temperature 1.
        conditional: (L,) float32 probabilities of the next sub-pixel at temperature 1; empty at the end.
        uniform: the number in [0, 1) that will choose the next value.
        context: (C, H, W) bool: what the next conditional can depend on.
    """

    session: int
    step: int
    path: int
    image: Array
    nats: Array
    conditional: Array
    uniform: float
    context: Array


class PixelsForked(Event, frozen=True, kw_only=True):
    """Continuations so far: (N, C, H, W) uint8 levels, (N,) float32 total nats of the placed, steps done."""

    session: int
    images: Array
    nats: Array
    start: int
    step: int
    done: bool


# ---- events: latents ----------------------------------------------------------------------------------------


class Decoded(Event, frozen=True, kw_only=True):
    """Means (N, C, H, W) uint8, 0 … 255; ``scores`` (N,) float32 D(G(z)) or None; of the weights of ``step``."""

    run: str
    step: int
    images: Array
    scores: Array | None
    engine_ms: float


class Encoded(Event, frozen=True, kw_only=True):
    """Code of a data-set image: (Z,) float32 mean and standard deviation (None without a posterior).

    ``image`` is (C, H, W) uint8 levels; ``label`` a word, empty where the data has none.
    """

    run: str
    split: str
    index: int
    code: Array
    deviation: Array | None
    image: Array
    label: str


class LatentsMeasured(Event, frozen=True, kw_only=True):
    """Per latent dimension, (Z,) float32.

    Args:
        kl: mean KL(q(z_j|x) ‖ p(z_j)) in nats; None without a posterior.
        effect: root mean square change of the decoded means (0 … 1) when the dimension moves from −1σ to 1σ.
    """

    run: str
    step: int
    kl: Array | None
    effect: Array


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
    | ForkPixels
    | ClosePixels
    | Decode
    | Encode
    | MeasureLatents
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
    | Decoded
    | Encoded
    | LatentsMeasured
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

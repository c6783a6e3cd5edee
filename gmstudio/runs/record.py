"""``run.json``: description of a run, readable by people too."""

import errno
import importlib.metadata
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

import gmstudio
from gmstudio.protocol.data import DataFingerprint
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunOrigin
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.atomic import replace_file
from gmstudio.system.regular_file import open_regular

FORMAT_VERSION = 1
RECORD_NAME = "run.json"
MAX_RECORD_BYTES = 4 * 1024 * 1024
MAX_NESTING = 64
"""Levels of lists and objects in settings and annotations."""

Status = Literal["running", "paused", "stopped", "finished", "failed"]


class RunError(ValueError):
    """A run on disk that cannot be read or written; the sentence names the file and the remedy."""


class RunMissingError(RunError):
    """There is no such run, or the run lacks the checkpoint, history or samples that were requested."""


class RunDamagedError(RunError):
    """A file of the run is damaged, or not what its name promises."""


class RunBusyError(RunError):
    """Another process is writing the run."""


class DiskFullError(RunError):
    """The disk, or the user's share of it, is too full to write the run; nothing that was written before is lost."""


NO_SPACE = tuple(getattr(errno, name) for name in ("ENOSPC", "EDQUOT") if hasattr(errno, name))
"""Errors of the system that mean: free some space."""


def unwritten(sentence: str, error: OSError) -> RunError:
    """Return the error with this sentence for what could not be written, by the system's reason."""
    return DiskFullError(sentence) if error.errno in NO_SPACE else RunError(sentence)


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Content of ``run.json``.

    Args:
        format_version: of the run folder; one newer than ``FORMAT_VERSION`` is refused.
        family: key in ``FAMILIES``.
        config: the family's settings as plain values.
        data: key in ``SOURCES``.
        data_config: the data source's settings as plain values.
        image: what the images are.
        fingerprint: identity of the data; None in runs of versions that kept none.
        training: the training settings, seed included.
        device: where it trains, for example ``cpu`` or ``cuda:0``.
        status: state of the training when this was written.
        step: parameter updates made when this was written.
        created: start of the run, ISO 8601 in UTC.
        updated: time of writing, ISO 8601 in UTC.
        versions: of python, torch, numpy and gmstudio.
        title: the user's name for it; empty: none.
        message: why it failed or stopped, one sentence; empty otherwise.
        origin: checkpoint of another run at which it began; None: it began with new weights.
    """

    format_version: int = FORMAT_VERSION
    family: str
    config: dict[str, Any]
    data: str
    data_config: dict[str, Any]
    image: ImageSpec
    training: Training
    device: str
    status: Status = "running"
    step: Annotated[int, msgspec.Meta(ge=0)] = 0
    created: str
    updated: str
    versions: dict[str, str]
    title: str = ""
    message: str = ""
    fingerprint: DataFingerprint | None = None
    origin: RunOrigin | None = None

    @property
    def spec(self) -> RunSpec:
        """Complete settings of the run; ``run.json`` holds its fields side by side with the others."""
        return RunSpec(
            family=self.family,
            config=self.config,
            data=self.data,
            data_config=self.data_config,
            training=msgspec.to_builtins(self.training),
        )


class _FormatOnly(msgspec.Struct):
    format_version: int


def now_iso() -> str:
    """Current time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def library_versions() -> dict[str, str]:
    """Versions that a run depends on: python, gmstudio, torch and numpy (from package metadata, not imported)."""
    versions = {"python": platform.python_version(), "gmstudio": gmstudio.__version__}
    for name in ("torch", "numpy"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def new_record(
    spec: RunSpec,
    *,
    image: ImageSpec,
    device: str,
    title: str = "",
) -> RunRecord:
    """Create the record of a run that starts now, at step 0, with the installed library versions."""
    now = now_iso()
    return RunRecord(
        family=spec.family,
        config=spec.config,
        data=spec.data,
        data_config=spec.data_config,
        image=image,
        training=spec.training_settings(),
        device=device,
        created=now,
        updated=now,
        versions=library_versions(),
        title=title,
    )


def write_record(folder: Path, record: RunRecord) -> None:
    """Write ``folder/run.json`` atomically.

    Raises:
        RunError: when the folder cannot be written; an earlier ``run.json`` is then unchanged.
    """
    path = folder / RECORD_NAME
    try:
        replace_file(path, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
    except OSError as error:
        sentence = f"{path} could not be written ({error.strerror}). Free some space or check its permissions."
        raise unwritten(sentence, error) from error


def read_record(folder: Path) -> RunRecord:
    """Read ``folder/run.json``; unknown keys are passed over.

    Raises:
        RunMissingError: when there is none.
        RunDamagedError: when it is damaged, or not a run's.
        RunError: when it cannot be read, or is of a newer format.
    """
    path = folder / RECORD_NAME
    content = _read_bounded(path)
    try:
        version = msgspec.json.decode(content, type=_FormatOnly).format_version
        if version > FORMAT_VERSION:
            raise RunError(
                f"{path} has format {version}; this gmstudio reads up to {FORMAT_VERSION}. Open it with a newer one."
            )
        record = msgspec.json.decode(content, type=RunRecord)
        for settings in (record.config, record.data_config):
            check_nesting(settings)
        return record
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RunDamagedError(
            f"{path} is damaged or not the record of a run ({_one_line(error)}). Restore it from a copy of the run."
        ) from error


def check_nesting(value: Any) -> None:
    """Check that plain values are not nested so deeply that a later reader or writer of them would fail.

    Raises:
        RecursionError: when they are.
    """
    layer = [value]
    for _ in range(MAX_NESTING):
        layer = [inner for outer in layer for inner in _children(outer)]
        if not layer:
            return
    raise RecursionError(f"more than {MAX_NESTING} levels of nesting")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _read_bounded(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            content = file.read(MAX_RECORD_BYTES + 1)
    except FileNotFoundError as error:
        raise RunMissingError(f"{path.parent} is not a run: it has no {path.name}. Choose a run's folder.") from error
    except OSError as error:
        raise RunError(
            f"{path} could not be read ({error.strerror}). Check its permissions or choose another run."
        ) from error
    if len(content) > MAX_RECORD_BYTES:
        raise RunDamagedError(
            f"{path} is larger than {MAX_RECORD_BYTES // 2**20} MiB, so it is not the record of a run."
        )
    return content


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__

"""``annotations.json``: a person's annotations of a run, like names of latent dimensions and saved directions."""

import json
from pathlib import Path
from typing import Any

import msgspec

from gmstudio.runs.atomic import replace_file
from gmstudio.runs.examples import is_example
from gmstudio.runs.home import data_home
from gmstudio.runs.record import RunDamagedError, RunError, check_nesting
from gmstudio.system.regular_file import regular_size

ANNOTATIONS_NAME = "annotations.json"
MAX_ANNOTATIONS_BYTES = 4 * 1024 * 1024


def _place(folder: Path) -> Path:
    """Folder of a run's annotations: its own; that of an example, which is never written, beside the user's library."""
    return data_home() / "examples" / folder.name if is_example(folder) else folder


def read_annotations(folder: Path) -> dict[str, Any]:
    """Read a run's annotations; empty when there are none.

    Raises:
        RunDamagedError: when the file is damaged.
        RunError: when it cannot be read.
    """
    path = _place(folder) / ANNOTATIONS_NAME
    try:
        if regular_size(path) > MAX_ANNOTATIONS_BYTES:
            raise RunDamagedError(
                f"{path} is larger than {MAX_ANNOTATIONS_BYTES // 2**20} MiB, so it holds no annotations; move it away."
            )
        annotations = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        check_nesting(annotations)
        return annotations
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RunError(f"{path} could not be read ({error.strerror}). Check its permissions.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RunDamagedError(f"{path} is damaged; restore it from a copy of the run, or delete it.") from error


def write_annotations(folder: Path, annotations: dict[str, Any]) -> None:
    """Replace a run's annotations, atomically.

    Raises:
        RunError: when they are too long, or cannot be written; the old ones are then unchanged.
    """
    path = _place(folder) / ANNOTATIONS_NAME
    content = json.dumps(annotations, indent=1, allow_nan=False).encode() + b"\n"
    if len(content) > MAX_ANNOTATIONS_BYTES:
        raise RunError(
            f"The annotations take {len(content):,} bytes, and at most {MAX_ANNOTATIONS_BYTES:,} fit; delete some."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    except OSError as error:
        raise RunError(
            f"{path} could not be written ({error.strerror}). Free some space or check its permissions."
        ) from error

"""``description.json``: name, note, tags and star that a person gave a run.

It is a file of its own, since ``run.json`` is rewritten by the process that trains.
"""

from pathlib import Path

import msgspec

from gmstudio.protocol.plain_text import MAX_TITLE, plain_text
from gmstudio.runs.atomic import replace_file
from gmstudio.runs.examples import refuse_change
from gmstudio.runs.record import RunDamagedError, RunError
from gmstudio.system.regular_file import regular_size

DESCRIPTION_NAME = "description.json"
MAX_NOTE = 10_000
"""Characters of a note."""
_MAX_BYTES = 64 * 1024


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """Content of ``description.json``.

    Args:
        name: shown in place of the run's label; empty: none.
        note: any text; empty: none.
        starred: listed before the others.
        tags: words by which runs are found, in the order in which they were given.
        archived: listed only with the archived runs.
    """

    name: str = ""
    note: str = ""
    starred: bool = False
    tags: tuple[str, ...] = ()
    archived: bool = False


def read_description(folder: Path) -> Description:
    """Read name, note and star of a run; none of them when there is no file.

    Raises:
        RunDamagedError: when the file is damaged.
        RunError: when it cannot be read.
    """
    path = folder / DESCRIPTION_NAME
    try:
        if regular_size(path) > _MAX_BYTES:
            raise RunDamagedError(f"{path} is larger than {_MAX_BYTES // 1024} KiB, so it holds no name; move it away.")
        return msgspec.json.decode(path.read_bytes(), type=Description)
    except FileNotFoundError:
        return Description()
    except OSError as error:
        raise RunError(f"{path} could not be read ({error.strerror}). Check its permissions.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RunDamagedError(f"{path} is damaged; give the run a name again, or delete the file.") from error


def write_description(folder: Path, description: Description) -> None:
    """Replace name, note and star of a run, atomically; the name is shortened to one line of ``MAX_TITLE`` characters.

    Raises:
        RunError: when the run is an example, the note is too long, or the file cannot be written; the old one is then
            unchanged.
    """
    refuse_change(folder)
    path = folder / DESCRIPTION_NAME
    if len(description.note) > MAX_NOTE:
        raise RunError(f"The note has {len(description.note):,} characters; shorten it to {MAX_NOTE:,}.")
    named = msgspec.structs.replace(description, name=plain_text(description.name, MAX_TITLE))
    try:
        replace_file(path, msgspec.json.format(msgspec.json.encode(named), indent=2) + b"\n")
    except OSError as error:
        raise RunError(
            f"{path} could not be written ({error.strerror}). Free some space or check its permissions."
        ) from error

"""Errors of the operating system as sentences, without their numbers."""

import errno
from pathlib import Path

_REMEDIES = {
    errno.ENOSPC: "Free some space, or choose a place on another disk.",
    errno.EDQUOT: "Free some of the space that your quota allows, or choose a place on another disk.",
    errno.EFBIG: "Choose a place on another file system, or write less.",
    errno.EROFS: "Choose a place on a disk that can be written.",
    errno.EACCES: "Check its permissions, or choose another place.",
    errno.EPERM: "Check its permissions, or choose another place.",
    errno.ENOENT: "Check the path.",
    errno.ENOTDIR: "A part of the path is a file; check the path.",
    errno.EISDIR: "It is a folder; name a file.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ELOOP: "A symbolic link on the path leads back to itself; name the file that is meant.",
    errno.EIO: "Check the disk.",
}


def os_error_sentence(error: OSError) -> str:
    """Describe an error of the operating system: the file, the reason and the remedy.

    Errors that were raised with a sentence of their own are returned as that.
    """
    if not error.strerror:
        return str(error)
    if error.errno == errno.ENOENT and not error.filename and _is_working_folder_gone():
        return "The working directory was deleted. Change to a folder that exists, and start again."
    place = f"{error.filename}: " if error.filename else ""
    remedy = _REMEDIES.get(error.errno or 0, "")
    return f"{place}{error.strerror}. {remedy}".strip()


def _is_working_folder_gone() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False

"""One file over HTTP, as a downloader for pooch: goes on where an earlier attempt ended, and can be stopped.

What arrives is kept in a file ``NAME.part`` until it has the known size; pooch then compares its hash.
"""

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmstudio.data.downloading.registry import RemoteFile

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS = 10.0
SILENT_SECONDS = 20.0
_CHUNK_BYTES = 1 << 16
_MAX_REDIRECTS = 5
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")


class TransferError(Exception):
    """An attempt that failed; the message is a phrase on the server's answer."""


class CancelledTransferError(Exception):
    """The user stopped the download."""


class Stop:
    """Request to stop, from another thread: a connection that waits for bytes is closed."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._lock = threading.Lock()
        self._response: requests.Response | None = None

    def set(self) -> None:
        """Stop as soon as possible."""
        self._wanted.set()
        with self._lock:
            if self._response is not None:
                _shut(self._response)

    @property
    def wanted(self) -> bool:
        """Whether the download shall stop."""
        return self._wanted.is_set()

    def watch(self, response: "requests.Response | None") -> None:
        """Take note of the connection that is read, or that none is."""
        with self._lock:
            self._response = response
            if response is not None and self.wanted:
                _shut(response)


def _shut(response: "requests.Response") -> None:
    try:
        response.raw.shutdown()
    except (OSError, ValueError, RuntimeError):  # it ended by itself in this moment
        return


class ResumingDownload:
    """Download of one file from one mirror; pooch calls it.

    Args:
        file: what is expected.
        part: where bytes are collected over several attempts.
        report: called with the number of bytes that are there.
        stop: see ``Stop``.

    Attributes:
        resumed: bytes of an earlier attempt that were kept.
        arrived: bytes that this attempt has added.
    """

    def __init__(self, file: RemoteFile, part: Path, report: Callable[[int], None], stop: Stop) -> None:
        self.resumed = 0
        self.arrived = 0
        self._file = file
        self._part = part
        self._report = report
        self._stop = stop

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Download to ``output_file``; see pooch's custom downloaders.

        Raises:
            TransferError: when the server does not answer with the file.
            CancelledTransferError: when the user stopped it.
        """
        there = self._part.stat().st_size if self._part.exists() else 0
        if there > self._file.size:
            self._part.unlink()
            there = 0
        self.resumed = there
        if there < self._file.size:
            self._fetch(url, there)
        self._part.replace(output_file)

    def _fetch(self, url: str, there: int) -> None:
        import requests

        headers = {"Accept-Encoding": "identity", "User-Agent": "gmstudio"}
        if there:
            headers["Range"] = f"bytes={there}-"
        try:
            with requests.Session() as session:
                session.max_redirects = _MAX_REDIRECTS
                timeouts = (CONNECT_SECONDS, SILENT_SECONDS)
                with session.get(url, headers=headers, stream=True, timeout=timeouts) as response:
                    self._stop.watch(response)
                    self._receive(response, self._start(response, there))
        except requests.RequestException as error:
            self._check_stop()
            raise TransferError(_reason(error)) from error
        finally:
            self._stop.watch(None)

    def _start(self, response: "requests.Response", there: int) -> int:
        """Position at which the body begins."""
        if response.status_code == 206 and there:
            found = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
            if found and int(found[1]) == there:
                return there
        if response.status_code == 416:
            self._part.unlink(missing_ok=True)
        if response.status_code != 200:
            raise TransferError(f"it answered {response.status_code} {response.reason}".strip())
        return 0

    def _receive(self, response: "requests.Response", start: int) -> None:
        self._check_stop()  # another download may have begun; nothing is written any more
        length = response.headers.get("Content-Length", "")
        if length.isdigit() and start + int(length) != self._file.size:
            raise TransferError(f"its file has {start + int(length):,} bytes instead of {self._file.size:,}")
        self.resumed = start
        count = start
        with self._part.open("ab" if start else "wb") as part:
            for chunk in response.iter_content(_CHUNK_BYTES):
                self._check_stop()
                count += len(chunk)
                if count > self._file.size:
                    raise TransferError(f"it sends more than {self._file.size:,} bytes")
                part.write(chunk)
                self.arrived = count - start
                self._report(count)
        self._check_stop()
        if count < self._file.size:
            raise TransferError(f"the connection ended after {count:,} of {self._file.size:,} bytes")

    def _check_stop(self) -> None:
        if self._stop.wanted:
            raise CancelledTransferError


def _reason(error: "requests.RequestException") -> str:
    import requests

    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return "it does not answer in time"
    if isinstance(error, requests.TooManyRedirects):
        return "it redirects without end"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not valid"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection ended early"
    if isinstance(error, requests.ConnectionError):
        return "it cannot be reached"
    return "its answer is not understood"

"""A server on this machine that delivers files rightly and in the ways in which servers fail."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath


class FileServer:
    """A server; the first part of an address says how it behaves.

    ``/right/NAME``, ``/wrong/``: other bytes of the same size, ``/long/``: too many, ``/short/``: another length,
    ``/cut/``: the connection ends after a third of what was asked for, ``/slow/``: it waits for ever after the first
    bytes, ``/missing/``, ``/broken/``: status 500, ``/moved/``: redirects to right, ``/loop/``: to itself,
    ``/rangeless/``: ignores ranges and cuts the first time, ``/chunked/``: does not say the length.

    Attributes:
        requests: path and range of each request.
        address: of the server.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.requests: list[tuple[str, str]] = []
        self.slow_began = threading.Event()
        self.release = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def count(self, behaviour: str) -> int:
        return sum(path.startswith(f"/{behaviour}/") for path, _ in self.requests)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments: object) -> None:
                pass

            def do_GET(self) -> None:
                owner.requests.append((self.path, self.headers.get("Range", "")))
                self.close_connection = True
                behaviour, name = PurePosixPath(self.path).parts[1:3]
                getattr(self, f"_{behaviour}")(owner.files[name])

            def _send(self, body: bytes, *, ranges: bool = True, sent: int | None = None, length: bool = True) -> None:
                wanted = self.headers.get("Range", "")
                start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and ranges else 0
                self.send_response(206 if start else 200)
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
                if length:
                    self.send_header("Content-Length", str(len(body) - start))
                self.send_header("Connection", "close")
                self.end_headers()
                rest = body[start:]
                self.wfile.write(rest if sent is None else rest[:sent])
                self.wfile.flush()

            def _right(self, body: bytes) -> None:
                self._send(body)

            def _wrong(self, body: bytes) -> None:
                self._send(bytes(255 - byte for byte in body))

            def _long(self, body: bytes) -> None:
                self._send(body * 2, length=False)

            def _short(self, body: bytes) -> None:
                self._send(body[:-10])

            def _chunked(self, body: bytes) -> None:
                self._send(body, length=False)

            def _cut(self, body: bytes) -> None:
                self._send(body, sent=len(body) // 3)

            def _rangeless(self, body: bytes) -> None:
                self._send(body, ranges=False, sent=len(body) // 2 if owner.count("rangeless") == 1 else None)

            def _slow(self, body: bytes) -> None:
                self._send(body, sent=len(body) // 3)
                owner.slow_began.set()
                owner.release.wait(60)

            def _missing(self, body: bytes) -> None:
                self._answer(404)

            def _broken(self, body: bytes) -> None:
                self._answer(500)

            def _moved(self, body: bytes) -> None:
                self._answer(302, self.path.replace("/moved/", "/right/"))

            def _loop(self, body: bytes) -> None:
                self._answer(302, self.path)

            def _answer(self, status: int, place: str = "") -> None:
                self.send_response(status)
                if place:
                    self.send_header("Location", place)
                self.send_header("Content-Length", "0")
                self.send_header("Connection", "close")
                self.end_headers()

        return Handler


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[FileServer]:
    """Serve files while the context lasts."""
    server = FileServer(files)
    server.start()
    try:
        yield server
    finally:
        server.stop()

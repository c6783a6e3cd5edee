"""A connection like ssh's, for tests: runs a command, delays what goes each way, and is cut when a file appears.

``relay.py --delay-ms 80 --cut FILE COMMAND…``. At the cut it ends with 255, as ssh does, and the command meets the end
of its standard input.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue

CUT = 255


def command(delay_ms: float, cut: Path, *engine: str) -> list[str]:
    """The command line of a relay; not by this Python itself, so that the window takes it for another machine."""
    relayed = engine or (sys.executable, "-m", "gmstudio.engine")
    options = ["--delay-ms", f"{delay_ms:g}", "--cut", str(cut)]
    return ["/usr/bin/env", sys.executable, str(Path(__file__)), *options, *relayed]


def forward(source: int, target: int, delay_s: float) -> None:
    """Copy bytes, each of them late by the delay; the order and the end of the file are kept."""
    waiting: SimpleQueue[tuple[float, bytes]] = SimpleQueue()

    def write() -> None:
        while True:
            due, data = waiting.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                os.close(target)
                return
            view = memoryview(data)
            try:
                while view:
                    view = view[os.write(target, view) :]
            except OSError:
                return

    threading.Thread(target=write, daemon=True).start()
    while True:
        data = os.read(source, 1 << 16)
        waiting.put((time.monotonic() + delay_s, data))
        if not data:
            return


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--cut", type=Path, required=True)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.cut.exists():
        print(f"ssh: connect to host box port 22: {options.cut.read_text()}", file=sys.stderr)
        return CUT
    child = subprocess.Popen(options.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None and child.stdout is not None
    delay_s = options.delay_ms / 1000
    for source, target in ((0, child.stdin.fileno()), (child.stdout.fileno(), 1)):
        threading.Thread(target=forward, args=(source, target, delay_s), daemon=True).start()
    while child.poll() is None:
        if options.cut.exists():
            return CUT  # what is on its way is lost; the command meets the end of its input
        time.sleep(0.02)
    time.sleep(2 * delay_s + 0.05)
    return child.returncode


if __name__ == "__main__":
    os._exit(main())  # the threads may wait in a read

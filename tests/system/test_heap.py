"""All threads of the engine take their memory from one heap."""

import platform
import subprocess
import sys

import pytest

GROWTH = """
import re, sys, threading
from gmstudio.system.heap import share_one_heap

shared = sys.argv[1] == "shared" and share_one_heap()

def work():
    held = [bytes(2000) for _ in range(2000)]
    ready.wait()

ready = threading.Barrier(7)
threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads:
    thread.start()
ready.wait()
for thread in threads:
    thread.join()
areas = re.findall(r"^([0-9a-f]+)-.*rw-p 0+ 00:00 0 *$", open("/proc/self/maps").read(), re.MULTILINE)
print(sum(int(start, 16) % 2**26 == 0 for start in areas))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_threads_have_no_heaps_of_their_own() -> None:
    heaps = {}
    for name in ("shared", "apart"):
        command = [sys.executable, "-c", GROWTH, name]
        heaps[name] = int(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout)
    assert heaps["shared"] == 0 and heaps["apart"] > 0, "heaps of threads begin at multiples of 64 MiB"

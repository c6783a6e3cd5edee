"""The engine: a process with torch and without Qt that trains, explores and scores models.

Importing it before torch is loaded lets idle OpenMP threads sleep soon instead of spinning, which leaves the cores to
the window and to other programs (docs/decisions/0007).
"""

import os

if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # GNU's OpenMP: a few microseconds, so that short gaps cost nothing

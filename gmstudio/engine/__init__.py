"""The engine: a process with torch and without Qt that trains, explores and scores models.

Importing it, before torch is loaded, tells OpenMP's threads to sleep soon when they have nothing to do instead of
spinning: the window, and whatever else the machine runs, need the cores as well (docs/decisions/0007).
"""

import os

if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # GNU's OpenMP: a few microseconds, so that short gaps cost nothing

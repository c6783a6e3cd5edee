"""The engine: a process with torch and without Qt that trains, explores and scores models.

Importing it, before torch is loaded, tells OpenMP's threads to sleep while they have nothing to do instead of
spinning: the window, and whatever else the machine runs, need the cores as well (docs/decisions/0007).
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

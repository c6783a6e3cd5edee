"""Benchmarks of speed, latency, memory and quality; ``python -m benchmarks NAME`` prints JSON as its last line."""

import gmstudio.engine  # noqa: F401 - sets the wait policy of threads, before torch is loaded

"""What gmstudio costs, measured: ``python -m benchmarks NAME`` prints one JSON object as its last line."""

import gmstudio.engine  # noqa: F401 - sets how threads wait, before torch is loaded

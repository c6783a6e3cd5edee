"""Handlers of runs: those of the modules ``*_handlers`` of this package, which are found by themselves."""

import importlib
import pkgutil

from gmstudio.engine import runs

for _module in pkgutil.iter_modules(runs.__path__, f"{runs.__name__}."):
    if _module.name.endswith("_handlers"):
        importlib.import_module(_module.name)

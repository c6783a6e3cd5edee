"""Handlers of Density: those of the modules ``*_handlers`` of this package, which are found by themselves."""

import importlib
import pkgutil

from gmstudio.engine import density

for _module in pkgutil.iter_modules(density.__path__, f"{density.__name__}."):
    if _module.name.endswith("_handlers"):
        importlib.import_module(_module.name)

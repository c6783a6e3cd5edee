"""Handlers of the commands about features: those of the modules of this package whose names end in ``_handlers``."""

import importlib
import pkgutil

from gmstudio.engine import features

for module in pkgutil.iter_modules(features.__path__, f"{features.__name__}."):
    if module.name.endswith("_handlers"):
        importlib.import_module(module.name)

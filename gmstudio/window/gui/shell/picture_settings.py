"""Seeds and settings of pictures by panel: into the metadata of their files, and back into the panel's state.

A feature whose pictures have settings has a module ``gmstudio/window/state/<feature>/picture_settings.py`` with two
functions, ``settings_of(state)`` and ``restore(state, origin)``.
"""

import importlib
import importlib.util
from types import ModuleType

from gmstudio.media.provenance import Provenance

PACKAGE = "gmstudio.window.state"


def settings_of(panel: str, state: object) -> tuple[int | None, dict[str, str]]:
    """Return the seed of what a panel shows, and its settings as keywords and texts; neither where it has none."""
    module = _module(panel)
    if module is None:
        return None, {}
    found: tuple[int | None, dict[str, str]] = module.settings_of(state)
    return found


def restore_settings(panel: str, state: object, origin: Provenance) -> str:
    """Set what the file of a picture holds of the settings of its panel; return what was set, in words.

    Raises:
        ValueError: when the file was changed.
    """
    module = _module(panel)
    return "" if module is None else str(module.restore(state, origin))


def _module(panel: str) -> ModuleType | None:
    name = f"{PACKAGE}.{panel}"
    if not panel.isidentifier() or importlib.util.find_spec(name) is None:
        return None
    if importlib.util.find_spec(f"{name}.picture_settings") is None:
        return None
    return importlib.import_module(f"{name}.picture_settings")

"""gmstudio: a desktop studio for exploring generative models of images.

For scripts: ``FAMILIES``, ``ImageSpec``, ``open_run``, ``from_hub`` and ``load_data``, see ``gmstudio.scripting``. They
are loaded when first used, so that ``import gmstudio`` costs nothing; ``__init__.pyi`` has their types.
"""

from importlib import import_module

__version__ = "0.1.0"
__all__ = ["FAMILIES", "ImageSpec", "__version__", "from_hub", "load_data", "open_run"]


def __getattr__(name: str) -> object:
    """Load the public names from ``gmstudio.scripting`` when one of them is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module("gmstudio.scripting"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The names of the module, those not loaded yet among them."""
    return sorted({*globals(), *__all__})

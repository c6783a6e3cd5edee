"""Packages of other programs that loggers need; none is imported unless its logger is chosen."""

from importlib.util import find_spec

INSTALL = {
    "tensorboard": "pip install tensorboard",
    "wandb": "pip install wandb",
    "trackio": "pip install trackio",
}
"""Package → command that installs it."""


def missing_package(name: str) -> str:
    """Return a sentence with the remedy where a package is not installed; else nothing.

    Args:
        name: key of ``INSTALL``.
    """
    try:
        there = find_spec(name) is not None
    except (ImportError, ValueError):  # a module without a specification
        there = False
    return "" if there else f"The package {name} is not installed; install it with: {INSTALL[name]}"

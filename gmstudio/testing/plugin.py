"""A pytest plugin that holds families to their laws: ``pytest --gmstudio-family my_package:MyFamily``.

The option may be given several times, and in ``addopts`` of a package's pytest settings. Each law that applies to the
family (``gmstudio.testing.laws.laws_of`` with its default settings) becomes a test of its own, after the tests of the
package. Without the option nothing is imported and nothing happens.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gmstudio.testing.laws import LawCase

OPTION = "--gmstudio-family"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("gmstudio").addoption(
        OPTION,
        action="append",
        default=[],
        metavar="MODULE:CLASS",
        help="Hold this family to all laws of gmstudio.testing.laws that apply to it; may be given several times.",
    )


@pytest.hookimpl(tryfirst=True)  # so that -k and -m choose among the laws, too
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add a test for each law of each requested family."""
    for place in config.getoption(OPTION):
        items.extend(_LawItem.from_parent(session, name=f"{place}::{case}", case=case) for case in _cases(place))


class _LawItem(pytest.Item):
    """One law as a test."""

    def __init__(self, *, case: "LawCase", **node: Any) -> None:
        super().__init__(**node)
        self._case = case

    def runtest(self) -> None:
        """Examine the model."""
        self._case()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The law's own sentence; the whole trace of any other error."""
        if isinstance(excinfo.value, AssertionError):
            return f"{excinfo.value}\n\nThe law: {self._case.law.check.__doc__}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[str, None, str]:
        """Name of the law and the place of its function."""
        return self._case.law.check.__code__.co_filename, None, self.name


def _cases(place: str) -> "Iterator[LawCase]":
    """The laws of the family at ``module:Class``."""
    from gmstudio.families.base import Family
    from gmstudio.testing.laws import laws_of

    module, _, name = place.partition(":")
    try:
        family = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise pytest.UsageError(f"{OPTION} {place}: {error}. Write it as my_package.my_module:MyFamily.") from error
    if not (isinstance(family, type) and issubclass(family, Family)):
        raise pytest.UsageError(f"{OPTION} {place}: {name} is not a subclass of gmstudio.families.base.Family.")
    yield from laws_of(family)

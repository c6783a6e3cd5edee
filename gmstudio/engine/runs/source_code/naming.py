"""Meaning of the names in a module's source: parts of our own sources, or imports of other packages."""

import ast
import builtins
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from gmstudio.engine.runs.source_code.parsing import source_of

ALLOWED = frozenset({"torch", "safetensors"}) | sys.stdlib_module_names
"""Packages that the file of a model may import."""


@dataclass(frozen=True)
class Part:
    """Something that a module of ours defines.

    Args:
        module: full name.
        name: in the module.
    """

    module: str
    name: str


TORCH_OWN = {
    Part("gmstudio.nn.products", "Linear"): ("torch.nn", "Linear"),
    Part("gmstudio.nn.products", "linear"): ("torch.nn.functional", "linear"),
    Part("gmstudio.nn.products", "product"): ("torch", "mm"),
}
"""Parts that only compute faster what torch has itself; the file of a model imports that."""


@dataclass(frozen=True)
class Imported:
    """Something of another package.

    Args:
        module: full name.
        name: in the module; empty: the module itself.
        bound: name that it has in the source.
    """

    module: str
    name: str
    bound: str

    @property
    def is_allowed(self) -> bool:
        """Return whether the file of a model may import it."""
        return self.module.partition(".")[0] in ALLOWED


class Scope:
    """Resolution of names in modules of some packages.

    Args:
        packages: whose sources are taken; what all others define is imported.
    """

    def __init__(self, packages: tuple[str, ...]) -> None:
        self._packages = packages

    def is_ours(self, module: str) -> bool:
        """Return whether the source of a module is taken."""
        return any(module == one or module.startswith(f"{one}.") for one in self._packages)

    def resolve(self, module: str, name: str) -> Part | Imported | None:
        """Return what a global name of a module is; None: a built-in one, or none at all.

        Args:
            module: full name of a module of ours.
            name: as its source has it.
        """
        source = source_of(module)
        if name in source.definitions:
            part = Part(module, name)
            return Imported(*TORCH_OWN[part], name) if part in TORCH_OWN else part
        if name not in source.imports:
            return None
        origin, attribute = source.imports[name]
        if attribute and self.is_ours(origin) and f"{origin}.{attribute}" not in sys.modules:
            return self.resolve(origin, attribute)
        return Imported(origin, attribute, name)

    def is_annotation(self, module: str, node: ast.expr, known: Iterable[Part]) -> bool:
        """Return whether all names of an annotation will be known in the file.

        Args:
            module: that has it.
            node: the annotation; one in quotes is not known.
            known: parts that are in the file.
        """
        parts = set(known)
        for one in ast.walk(node):
            if isinstance(one, ast.Constant) and isinstance(one.value, str) and not _is_literal(node):
                return False
            if isinstance(one, ast.Name):
                found = self.resolve(module, one.id)
                if isinstance(found, Part) and found not in parts:
                    return False
                if isinstance(found, Imported) and not found.is_allowed:
                    return False
                if found is None and not hasattr(builtins, one.id):
                    return False
        return True


def _is_literal(node: ast.expr) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "Literal" for one in ast.walk(node))

"""The taxonomy of generative models as a tree, whose leaves are the families of the catalog.

Source: Goodfellow 2016, NIPS 2016 Tutorial: Generative Adversarial Networks, arXiv:1701.00160, figure 9.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gmstudio.protocol.families import FamilyEntry

Path = tuple[str, ...]
ROOT_TITLE = "Maximum likelihood"
BESIDE: Path = ("Not a generative model",)
"""Path of the node for what the taxonomy does not place."""
BESIDE_TITLE = "Beside the taxonomy"
FIGURE: tuple[Path, ...] = (
    ("Explicit density", "Tractable density", "Autoregressive"),
    ("Explicit density", "Tractable density", "Change of variables"),
    ("Explicit density", "Approximate density", "Variational"),
    ("Explicit density", "Approximate density", "Markov chain"),
    ("Implicit density", "Markov chain"),
    ("Implicit density", "Direct"),
)
"""Branches of figure 9, which stand in the tree also where no family is on them, from top to bottom."""


@dataclass(frozen=True)
class Node:
    """Node of the tree.

    Args:
        path: branches from the root, whose path is (); of a family also its name at the end.
        title: shown.
        children: below it; none for a family.
        entry: of a family, a leaf; None for a branch.
    """

    path: Path
    title: str
    children: tuple["Node", ...] = ()
    entry: FamilyEntry | None = None

    @property
    def name(self) -> str:
        """Name that no other node has: that of the family, or the branches in small letters with hyphens."""
        if self.entry is not None:
            return self.entry.card.name
        return "/".join(part.lower().replace(" ", "-") for part in self.path) or "root"

    def walk(self) -> Iterator["Node"]:
        """This node and all below it, each before its children."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Taxonomy:
    """Tree of the figure, and what stands beside it.

    Args:
        root: of the tree.
        beside: branch of the families that the taxonomy does not place.
    """

    root: Node
    beside: Node

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, the tree's first."""
        return (*self.root.walk(), *self.beside.walk())

    def parent(self, node: Node) -> Node | None:
        """Return the node above another one; None for the two roots."""
        return next((above for above in self.nodes if any(child.path == node.path for child in above.children)), None)

    def find(self, path: Path) -> Node | None:
        """Return the node of a path; None where there is none."""
        return next((node for node in self.nodes if node.path == path), None)

    def family(self, name: str) -> Node | None:
        """Return the leaf of a family; None where there is none."""
        return next((node for node in self.nodes if node.entry is not None and node.entry.card.name == name), None)


def taxonomy(families: Sequence[FamilyEntry]) -> Taxonomy:
    """Place the families by the branches that their cards name; a branch that is not in the figure is added."""
    inside = [entry for entry in families if _is_inside(entry)]
    outside = [entry for entry in families if not _is_inside(entry)]
    paths = list(dict.fromkeys((*FIGURE, *(entry.card.branch for entry in inside))))
    beside = Node(BESIDE, BESIDE_TITLE, tuple(_leaf(BESIDE, entry) for entry in outside))
    return Taxonomy(_branch((), ROOT_TITLE, paths, inside), beside)


def _is_inside(entry: FamilyEntry) -> bool:
    kinds = {path[0] for path in FIGURE}
    return not entry.card.beside and entry.card.branch[:1] != () and entry.card.branch[0] in kinds


def _branch(path: Path, title: str, paths: Sequence[Path], families: Sequence[FamilyEntry]) -> Node:
    depth = len(path)
    heads = dict.fromkeys(known[depth] for known in paths if known[:depth] == path and len(known) > depth)
    branches = tuple(_branch((*path, head), head, paths, families) for head in heads)
    leaves = tuple(_leaf(path, entry) for entry in families if entry.card.branch == path)
    return Node(path, title, (*branches, *leaves))


def _leaf(path: Path, entry: FamilyEntry) -> Node:
    return Node((*path, entry.card.name), entry.card.title, entry=entry)

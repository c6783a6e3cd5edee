"""The tree: figure 9 with the families of the catalog at its ends."""

from atlas_scene import entry

from gmstudio.families import FAMILIES
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.training_settings import Training
from gmstudio.window.state.atlas.taxonomy import BESIDE, FIGURE, taxonomy
from gmstudio.window.state.theory import BRANCHES

VARIATIONAL = ("Explicit density", "Approximate density", "Variational")


def test_the_branches_of_the_figure_stand_without_a_family() -> None:
    tree = taxonomy(())
    assert [node.title for node in tree.root.children] == ["Explicit density", "Implicit density"]
    for path in FIGURE:
        assert tree.find(path) is not None
    assert tree.root.title == "Maximum likelihood" and not tree.beside.children


def test_families_are_leaves_of_their_branches() -> None:
    tree = taxonomy([entry("pixelcnn"), entry("vae"), entry("gan")])
    for name in ("pixelcnn", "vae", "gan"):
        leaf = tree.family(name)
        assert leaf is not None and leaf.entry is not None
        parent = tree.parent(leaf)
        assert parent is not None and parent.path == leaf.entry.card.branch


def test_what_the_taxonomy_does_not_place_stands_beside_it() -> None:
    """Diffusion names the branch of its bound, and is drawn beside the tree all the same."""
    tree = taxonomy([entry("vae"), entry("ddpm")])
    assert [node.name for node in tree.beside.children] == ["ddpm"]
    variational = tree.find(VARIATIONAL)
    assert variational is not None and [node.name for node in variational.children] == ["vae"]


def test_a_family_of_another_package_brings_its_branch() -> None:
    tree = taxonomy([entry("foreign")])
    leaf = tree.family("foreign")
    assert leaf is not None and leaf.path == ("Explicit density", "Approximate density", "Unheard of", "foreign")
    approximate = tree.find(("Explicit density", "Approximate density"))
    assert approximate is not None
    assert [node.title for node in approximate.children] == ["Variational", "Markov chain", "Unheard of"]


def test_names_and_paths_are_unique_over_all_families() -> None:
    entries = [
        FamilyEntry(card=family.card, config_schema={}, training=Training(), capabilities=())
        for family in FAMILIES.values()
    ]
    tree = taxonomy(entries)
    assert len({node.path for node in tree.nodes}) == len({node.name for node in tree.nodes}) == len(tree.nodes)
    assert {node.name for node in tree.nodes if node.entry is not None} == set(FAMILIES)
    assert {node.name for node in tree.beside.children} == {"ddpm", "autoencoder"}


def test_every_branch_has_a_page() -> None:
    assert {node.path for node in taxonomy(()).nodes} == set(BRANCHES)
    assert BESIDE in BRANCHES

"""Registry of the laboratories: name → class, in the order in which they are offered.

Other packages add labs through the entry-point group ``gmstudio.labs``; each entry point names a ``Lab`` class. One
that cannot be used is left out, and the reason is in ``LAB_ERRORS``.
"""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from gmstudio.labs.autoencoder_to_vae import AutoencoderToVAE
from gmstudio.labs.base import Lab
from gmstudio.labs.bound import Bound
from gmstudio.labs.change_of_variables import ChangeOfVariables
from gmstudio.labs.discriminative import Discriminative
from gmstudio.labs.distributions import Distributions
from gmstudio.labs.game import Game
from gmstudio.labs.joint import JointDistribution
from gmstudio.labs.likelihood import MaximumLikelihood
from gmstudio.labs.markov_chains import MarkovChains
from gmstudio.labs.noise_and_score import NoiseAndScore
from gmstudio.system.third_party import add_classes

ENTRY_POINT_GROUP = "gmstudio.labs"


def add_third_party(labs: dict[str, type[Lab]], points: Iterable[EntryPoint]) -> dict[str, str]:
    """Add the labs that entry points name behind the existing ones.

    Args:
        labs: name → class, extended in place.
        points: entry points that other packages registered.

    Returns:
        Entry point's name → one sentence, for those that could not be used.
    """
    return add_classes(labs, points, Lab, ("card", "Config"), lambda kind: kind.card.name)


OURS: tuple[type[Lab], ...] = (
    Distributions,
    JointDistribution,
    MaximumLikelihood,
    Discriminative,
    Bound,
    Game,
    AutoencoderToVAE,
    MarkovChains,
    ChangeOfVariables,
    NoiseAndScore,
)
LABS: dict[str, type[Lab]] = {lab.card.name: lab for lab in OURS}
LAB_ERRORS: dict[str, str] = add_third_party(LABS, entry_points(group=ENTRY_POINT_GROUP))
"""Entry point's name → reason why that third-party lab was left out."""

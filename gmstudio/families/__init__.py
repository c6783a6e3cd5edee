"""Registry of families: name → class, in taxonomy order.

Other packages add families through the entry-point group ``gmstudio.families``; each entry point names a ``Family``
class. One that cannot be used is left out, and the reason is in ``FAMILY_ERRORS``.
"""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from gmstudio.families.adversarial.gan import GAN
from gmstudio.families.autoencoder import Autoencoder
from gmstudio.families.autoregressive.fvbn import FVBN
from gmstudio.families.autoregressive.gated_pixelcnn.model import GatedPixelCNN
from gmstudio.families.autoregressive.made.model import MADE
from gmstudio.families.autoregressive.markov import Markov
from gmstudio.families.autoregressive.nade.model import NADE
from gmstudio.families.autoregressive.pixelcnn import PixelCNN
from gmstudio.families.autoregressive.pixelrnn.diagonal import PixelRNNDiagonal
from gmstudio.families.autoregressive.pixelrnn.row import PixelRNNRow
from gmstudio.families.base import Family
from gmstudio.families.diffusion.ddpm import DDPM
from gmstudio.families.energy.gsn import GSN
from gmstudio.families.energy.rbm import RBM
from gmstudio.families.flow.realnvp import RealNVP
from gmstudio.families.variational.vae import VAE
from gmstudio.system.third_party import add_classes

ENTRY_POINT_GROUP = "gmstudio.families"


def add_third_party(families: dict[str, type[Family]], points: Iterable[EntryPoint]) -> dict[str, str]:
    """Add the families that entry points name behind the existing ones.

    Args:
        families: name → class, extended in place.
        points: entry points that other packages registered.

    Returns:
        Entry point's name → one sentence, for those that could not be used.
    """
    return add_classes(families, points, Family, ("card", "Config", "training_defaults"), lambda kind: kind.card.name)


FAMILIES: dict[str, type[Family]] = {
    family.card.name: family
    for family in (
        Markov,
        FVBN,
        NADE,
        MADE,
        PixelRNNRow,
        PixelRNNDiagonal,
        PixelCNN,
        GatedPixelCNN,
        RealNVP,
        VAE,
        DDPM,
        RBM,
        GSN,
        GAN,
        Autoencoder,
    )
}
FAMILY_ERRORS: dict[str, str] = add_third_party(FAMILIES, entry_points(group=ENTRY_POINT_GROUP))
"""Entry point's name → reason why that third-party family was left out."""

"""Objectives of the game in words, and what D's output is called under each."""

from gmstudio.families.adversarial.losses import ADVERSARIAL_LOSSES, AdversarialName
from gmstudio.protocol.families import Objective, Term
from gmstudio.protocol.metrics import Metric

PROBABILITY = Metric("discriminator's output", "D(x)", help="The discriminator's probability that the image is real.")
SCORE = Metric(
    "discriminator's score",
    "σ(D(x))",
    help="The discriminator's score mapped to 0 … 1 by a sigmoid; higher is more real, but it is not a probability.",
)


def objective(name: AdversarialName) -> Objective:
    """Objective of the game with one of the losses."""
    words = ADVERSARIAL_LOSSES[name]
    unit = "probability" if words.is_probability else ""
    what = "probability of being real" if words.is_probability else "score"
    terms = [
        Term("discriminator_loss", r"\mathcal{L}_D", words.help_discriminator, unit=words.unit),
        Term("generator_loss", r"\mathcal{L}_G", words.help_generator, unit=words.unit),
        Term("d_real", r"D(x)", f"Mean {what} that D assigns to real images.", unit=unit),
        Term("d_fake", r"D(G(z))", f"Mean {what} that D assigns to generated images.", unit=unit),
    ]
    if name == "wasserstein":
        terms.append(
            Term(
                "gradient_penalty",
                r"\left(\lVert\nabla D(\hat{x})\rVert_2 - 1\right)^2",
                "Squared distance of the norm of D's gradient from 1, between real and generated images.",
            )
        )
    return Objective(rf"{words.latex_discriminator},\quad {words.latex_generator}", tuple(terms), {"objective": name})

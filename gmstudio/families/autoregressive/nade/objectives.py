"""Objectives of NADE, in formulas and words: in one order, or in all of them at once."""

from gmstudio.protocol.families import Objective, Term

ONE_ORDER = Objective(
    latex=(
        r"-\log p_\theta(x) = -\sum_{i=1}^{D} \log p(x_i \mid x_{<i}), \quad "
        r"h_i = f\left(c + \sum_{j<i} W_{:,j}\, x_j\right), \quad "
        r"p(x_i = 1 \mid x_{<i}) = \sigma\left(b_i + V_i h_i\right)"
    ),
    terms=(
        Term(
            name="loss",
            latex=r"-\log p_\theta(x)",
            help="Negative log-likelihood of an image, averaged over the batch; lower is better.",
            unit="nats",
            per_image_nats=True,
        ),
    ),
    when={"order_agnostic": False},
)
ORDER_AGNOSTIC = Objective(
    latex=(
        r"\mathbb{E}_{o}\left[-\log p_\theta(x \mid o)\right] = "
        r"\mathbb{E}_{o, d}\left[-\frac{D}{D - d + 1} "
        r"\sum_{i \geq d} \log p(x_{o_i} \mid x_{o_{<d}})\right]"
    ),
    terms=(
        Term(
            name="loss",
            latex=r"-\log p_\theta(x \mid o)",
            help=(
                "In training the negative log-likelihood averaged over all orders, estimated from one "
                "random set of observed pixels per image; in validation the exact one in the model's order."
            ),
            unit="nats",
            per_image_nats=True,
        ),
    ),
    when={"order_agnostic": True},
)

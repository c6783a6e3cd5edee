"""Objectives of a flow, in formulas and words, with uniform noise or with learned noise."""

from gmstudio.protocol.families import Objective, Term


def _objective(variational: bool) -> Objective:
    """The bound with uniform or with learned noise."""
    bound = "The negative bound on the log-likelihood of the integer image: that of the image with noise added."
    terms = [
        Term("loss", r"\mathcal{L}", bound, unit="nats", per_image_nats=True),
        Term(
            "noise",
            r"-\log \mathcal{N}(f(y); 0, I)",
            "How far from the centre of the normal distribution the codes lie.",
            unit="nats",
            label="−log N(z)",
        ),
        Term(
            "log_det",
            r"\log\left|\det \frac{\partial f}{\partial v}\right|",
            "How much the flow stretches volume around the images, per level.",
            unit="nats",
            label="log |det J|",
        ),
    ]
    latex = r"\mathcal{L} = -\mathbb{E}_{u}\left[\log \mathcal{N}(f(y); 0, I)"
    latex += r" + \log\left|\det \frac{\partial f}{\partial v}\right|"
    if variational:
        latex += r" - \log q_\phi(u|x)"
        terms.append(
            Term(
                "dequantization",
                r"\log q_\phi(u|x)",
                "How narrow the learned noise is: 0 is uniform, more is narrower.",
                unit="nats",
            )
        )
    latex += r"\right],\quad v = x + u,\; y = v / L"
    when = {"dequantization": "variational" if variational else "uniform"}
    return Objective(latex, tuple(terms), when=when)


OBJECTIVES = (_objective(False), _objective(True))

"""Objectives of a flow, in formulas and words, with uniform noise or with learned noise."""

from gmstudio.protocol.families import Objective, Term


def _objective(variational: bool) -> Objective:
    """Objective with uniform or with learned noise."""
    bound = "Negative lower bound of the log-likelihood of the integer image: that of the image with noise added."
    terms = [
        Term("loss", r"\mathcal{L}", bound, unit="nats", per_image_nats=True),
        Term(
            "noise",
            r"-\log \mathcal{N}(f(y); 0, I)",
            "Negative log-density of the codes under the standard normal distribution.",
            unit="nats",
            label="−log N(z)",
        ),
        Term(
            "log_det",
            r"\log\left|\det \frac{\partial f}{\partial v}\right|",
            "Log-volume change of the flow at the images, per level.",
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
                "Log-density of the learned noise: 0 is uniform, more is narrower.",
                unit="nats",
            )
        )
    latex += r"\right],\quad v = x + u,\; y = v / L"
    when = {"dequantization": "variational" if variational else "uniform"}
    return Objective(latex, tuple(terms), when=when)


OBJECTIVES = (_objective(False), _objective(True))

"""Objectives of a restricted Boltzmann machine, in formulas and words, for either negative phase."""

from gmstudio.protocol.families import Objective, Term

_LOSS_HELP = (
    "Mean free energy of the data minus that of the model's samples, plus penalties where set. Its gradient is "
    "that of -log p(x); its value compares no models: near 0, data and samples have equal free energies."
)


def _objective(name: str, latex_model: str, *more: Term) -> Objective:
    terms = (
        Term("loss", r"\mathcal{L}", _LOSS_HELP, unit="nats", comparable=False),
        Term(
            "free_energy_data",
            r"\mathbb{E}_{x}\left[F(x)\right]",
            "Free energy of the images; -log p(x) up to log Z, which is the same for all images and changes with the "
            "weights.",
            unit="nats",
        ),
        Term(
            "free_energy_samples",
            r"\mathbb{E}_{\tilde{x}}\left[F(\tilde{x})\right]",
            "Free energy of the model's samples.",
            unit="nats",
        ),
        Term(
            "pseudo_nll",
            r"-D\,\log p(x_i\,|\,x_{-i})",
            "Negative pseudo-log-likelihood: -log p of a pixel given all others, estimated at one random pixel of each "
            "image and scaled to all of them.",
            unit="nats",
            label="pseudo-NLL",
        ),
        *more,
    )
    latex = r"\mathcal{L} = \mathbb{E}_{x}\left[F(x)\right] - \mathbb{E}_{\tilde{x}\sim " + latex_model
    return Objective(latex + r"}\left[F(\tilde{x})\right]", terms, when={"negative_phase": name})


OBJECTIVES = (
    _objective("pcd", r"\mathrm{chains}"),
    _objective(
        "cd",
        r"p_k(\cdot|x)",
        Term(
            "reconstruction",
            r"-\log p(x\,|\,h),\; h\sim p(h|x)",
            "Negative log-likelihood of images given hidden states sampled for them, one Gibbs step.",
            unit="nats",
        ),
    ),
)

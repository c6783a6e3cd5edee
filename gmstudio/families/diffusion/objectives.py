"""Objectives of a diffusion model, in formulas and words, for either weighting of the timesteps."""

from gmstudio.protocol.families import Objective, Term

AVERAGED_LOSS = "averaged_loss"
"""Name of the validation term of the averaged weights, which samples, codes and scores use."""

SIMPLE = Objective(
    r"\mathcal{L} = \mathbb{E}_{t,\epsilon}\left[\frac{1}{D}\left\|\epsilon - \epsilon_\theta(x_t, t)\right\|^2\right],"
    r"\quad x_t = \sqrt{\bar\alpha_t}\, x_0 + \sqrt{1 - \bar\alpha_t}\, \epsilon",
    (
        Term(
            "loss",
            r"\mathcal{L}",
            "Mean squared error of the predicted noise over all timesteps; 1 is the error of predicting 0. In training "
            "and in validation of the weights themselves.",
        ),
        Term(
            AVERAGED_LOSS,
            r"\mathcal{L}_{\bar\theta}",
            "The same of the averaged weights, which samples, codes and scores use; computed in validation.",
            label="loss of the averaged weights",
            validation_only=True,
        ),
    ),
    when={"weighting": "simple"},
)
BOUND = Objective(
    r"\mathcal{L} = \mathbb{E}_q\left[D_{KL}(q(x_T|x_0)\,\|\,p(x_T))"
    r" + \sum_{t>1} D_{KL}(q(x_{t-1}|x_t, x_0)\,\|\,p_\theta(x_{t-1}|x_t)) - \log p_\theta(x_0|x_1)\right]",
    (
        Term(
            AVERAGED_LOSS,
            r"\mathcal{L}_{\bar\theta}",
            "Negative variational bound of the averaged weights, predicted images clamped to [-1, 1], as scores have "
            "it; computed in validation, on the same timesteps and noise as the loss.",
            unit="nats",
            per_image_nats=True,
            label="loss of the averaged weights",
            validation_only=True,
        ),
        Term(
            "loss",
            r"\mathcal{L}",
            "Negative variational bound, its sum over the timesteps estimated from one timestep per image. In training "
            "and in validation of the weights themselves, without clamping.",
            unit="nats",
            per_image_nats=True,
        ),
        Term(
            "squared_error",
            r"\frac{1}{D}\left\|\epsilon - \epsilon_\theta(x_t, t)\right\|^2",
            "Mean squared error of the predicted noise, all timesteps alike.",
        ),
    ),
    when={"weighting": "bound"},
)

"""Laws of models with codes: decoders, encoders, posteriors, bounds and discriminators.

Shapes: B batch, C channels, H height, W width, Z latent dimensions.
"""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from gmstudio.families.base import Bounded, Discriminator, Encoder, Estimated, Latent, Posterior
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.comparison import demand, demand_close, demand_equal
from gmstudio.testing.laws.inputs import all_images, copied, described, random_codes, random_images, seeded
from gmstudio.testing.laws.law import is_a, law
from gmstudio.testing.laws.models import (
    BoundedModel,
    DiscriminatorModel,
    EncodingModel,
    EstimatedModel,
    LatentModel,
    PosteriorModel,
)

TINY = (ImageSpec(1, 1, 3, 2), ImageSpec(1, 1, 2, 3))
UNLIKELY = 20.0
"""Factor by which codes are scaled to lie far outside of what training shows a decoder."""


@law(applies=is_a(Latent))
def decoded_means_are_in_range(model: LatentModel) -> None:
    """``decode`` gives float32 means in [0, 1] for every code, however unlikely, and not the same for all codes."""
    codes_BZ = random_codes(model, 5)
    if model.latent.prior != "bernoulli":
        codes_BZ = UNLIKELY * codes_BZ
    means = model.decode(codes_BZ).detach()
    demand(
        tuple(means.shape) == (5, *model.image.shape) and means.dtype == torch.float32,
        f"{described(model)}: 5 codes are decoded to {means.dtype} of shape {tuple(means.shape)}.",
    )
    low, high = float(means.min()), float(means.max())
    demand(0.0 <= low <= high <= 1.0, f"{described(model)}: decoded images go from {low:g} to {high:g}, not 0 to 1.")
    spread = float(model.decode(random_codes(model, 20)).detach().std(0).max())
    demand(spread > 1e-3, f"{described(model)}: all codes are decoded to the same image, up to {spread:.2g}.")


@law(applies=is_a(Latent))
def decoding_depends_on_its_code_alone(model: LatentModel) -> None:
    """An image does not depend on the other codes of its batch, nor on the mode the model is in."""
    model = copied(model)
    assert isinstance(model, nn.Module)
    z = random_codes(model, 6)
    with torch.no_grad():
        model.train()
        together = model.decode(z)
        demand_equal(model.decode(z), together, f"{described(model)}: decoding twice gives two images.")
        model.eval()
        demand_equal(model.decode(z), together, f"{described(model)}: training mode changes decoded images.")
        alone = torch.cat([model.decode(code[None]) for code in z])
    demand_close(
        alone, together, f"{described(model)}: an image depends on the other codes of its batch.", rtol=1e-4, atol=1e-5
    )


@law(applies=is_a(Latent))
def decoding_has_a_gradient(model: LatentModel) -> None:
    """Gradients of decoded images reach their codes, of which some lie near 0, so that codes can be optimized."""
    z = (random_codes(model, 6) * torch.logspace(-2, 0, 6).unsqueeze(1)).requires_grad_()
    model.decode(z).sum().backward()
    demand(z.grad is not None, f"{described(model)}: no gradient of a decoded image reaches its code.")
    assert z.grad is not None
    demand(
        bool(torch.isfinite(z.grad).all()) and bool((z.grad != 0).any()),
        f"{described(model)}: the gradient of a decoded image in its code is 0 everywhere, or not finite.",
    )


@law(applies=is_a(Latent, Encoder))
def codes_have_the_latent_shape(model: EncodingModel) -> None:
    """``encode`` gives finite codes (B, Z) of the dimensions that ``latent`` names."""
    codes = model.encode(random_images(model.image, 4)).detach()
    demand(
        tuple(codes.shape) == (4, model.latent.num_dims) and bool(torch.isfinite(codes).all()),
        f"{described(model)}: 4 images have codes of shape {tuple(codes.shape)}, or ones that are not finite; the "
        f"latent space has {model.latent.num_dims} dimensions.",
    )


def _has_gaussian_posterior(model: object) -> bool:
    is_posterior = isinstance(model, Posterior) and isinstance(model, Encoder)
    return is_posterior and isinstance(model, Latent) and model.latent.prior == "normal"


@law(applies=_has_gaussian_posterior)
def the_kl_is_the_posteriors(model: PosteriorModel) -> None:
    """``kl_per_dim`` is the divergence of the Gaussian ``posterior`` from N(0, 1), and ``encode`` its mean."""
    x = random_images(model.image, 6)
    with torch.no_grad():
        mean_BZ, deviation_BZ = model.posterior(x)
        demand(bool((deviation_BZ > 0).all()), f"{described(model)}: a posterior's standard deviation is not positive.")
        expected_BZ = 0.5 * (mean_BZ.square() + deviation_BZ.square() - 1.0) - deviation_BZ.log()
        demand_close(
            model.kl_per_dim(x), expected_BZ, f"{described(model)}: kl_per_dim is not the posterior's divergence.",
            rtol=1e-4, atol=1e-5,
        )  # fmt: skip
        demand_equal(model.encode(x), mean_BZ, f"{described(model)}: encode is not the mean of the posterior.")


@law(applies=is_a(Bounded), images=TINY)
def bounds_sum_to_at_most_one(model: BoundedModel, num_samples: int = 200) -> None:
    """``exp(elbo)`` sums to at most 1 over every image of a tiny specification, as a lower bound of log p(x) must.

    Args:
        model: of so few images that they can be summed over.
        num_samples: draws of each bound.
    """
    with torch.no_grad():
        total = sum(float(model.elbo(x, num_samples, seeded(1)).double().exp().sum()) for x in all_images(model.image))
    demand(
        total <= 1.02,
        f"{described(model)}: the exponentials of the bounds of all images sum to {total:.4f}, which is more than 1.",
    )


@law(applies=is_a(Bounded, Estimated), images=TINY)
def bounds_bound(
    model: EstimatedModel,
    x: Tensor | None = None,
    log_prob: Callable[[Tensor], Tensor] | None = None,
    *,
    num_samples: int = 4000,
    noise: float = 0.1,
) -> None:
    """On average over draws, elbo ≤ importance-weighted estimate of few draws ≤ of many ≤ log p(x).

    Args:
        model: has ``elbo`` and ``log_prob_estimate``.
        x: (B, C, H, W) images to score; None: four random ones.
        log_prob: their exact log-probability, (B,) nats, where it can be computed, for example by an integral.
        num_samples: draws of each bound and of the estimates together.
        noise: nats by which an average may be wrong.
    """
    x = random_images(model.image, 4) if x is None else x
    with torch.no_grad():
        elbo_B = model.elbo(x, num_samples, seeded(1))
        rows = [("elbo", elbo_B)]
        for draws in (5, 50):
            repeats = num_samples // 10
            often = x.repeat_interleave(repeats, dim=0)
            estimates_B = model.log_prob_estimate(often, draws, seeded(draws)).view(len(x), repeats).mean(1)
            rows.append((f"the estimate of {draws} draws", estimates_B))
        if log_prob is not None:
            rows.append(("log p(x)", log_prob(x).to(elbo_B)))
    for (lower_name, lower_B), (upper_name, upper_B) in itertools.pairwise(rows):
        worst = int((lower_B - upper_B).argmax())
        demand(
            bool((lower_B <= upper_B + noise).all()),
            f"{described(model)}: {lower_name} is {float(lower_B[worst]):.4f} nats for image {worst}, above "
            f"{upper_name}, {float(upper_B[worst]):.4f}.",
        )


@law(applies=is_a(Discriminator))
def a_discriminator_gives_probabilities(model: DiscriminatorModel) -> None:
    """``discriminate`` gives one number in (0, 1) for each image, whatever else is in the batch."""
    model = copied(model)
    assert isinstance(model, nn.Module)
    model.eval()
    means = torch.rand(5, *model.image.shape, generator=seeded())
    with torch.no_grad():
        together_B = model.discriminate(means)
        demand(
            together_B.shape == (5,) and bool(((together_B > 0) & (together_B < 1)).all()),
            f"{described(model)}: five images are judged {together_B}; each must be between 0 and 1.",
        )
        alone_B = torch.cat([model.discriminate(mean[None]) for mean in means])
    demand_close(
        alone_B, together_B, f"{described(model)}: an image is judged differently beside others.", rtol=1e-4, atol=1e-6
    )

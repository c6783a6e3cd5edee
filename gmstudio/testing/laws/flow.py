"""Laws of flows: the map between images and noise inverts, and its log-determinant is that of its Jacobian.

Shapes: B batch, C channels, H height, W width, D sub-pixels (C·H·W).
"""

import torch
from torch import Tensor, nn

from gmstudio.families.base import Invertible
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.comparison import demand, demand_close
from gmstudio.testing.laws.inputs import COUNTABLE, copied, described, seeded
from gmstudio.testing.laws.law import is_a, law


def random_points(image: ImageSpec, n: int) -> Tensor:
    """(n, C, H, W) floats in [0.01, 0.99]."""
    return 0.01 + 0.98 * torch.rand(n, *image.shape, generator=seeded())


@law(applies=is_a(Invertible))
def flows_invert(model: Invertible) -> None:
    """``invert(transform(y))`` is y, and the noise has as many dimensions as the image."""
    y = random_points(model.image, 5)
    with torch.no_grad():
        z, log_det = model.transform(y)
        demand(
            tuple(z.shape) == (5, model.image.num_dims) and tuple(log_det.shape) == (5,),
            f"{described(model)}: 5 images become noise of shape {tuple(z.shape)} with log-determinants of shape "
            f"{tuple(log_det.shape)}.",
        )
        demand_close(model.invert(z), y, f"{described(model)}: inverting does not give the images back.", atol=1e-5)


@law(applies=is_a(Invertible), images=COUNTABLE)
def log_determinants_are_the_jacobians(model: Invertible) -> None:
    """The log-determinant of ``transform`` is that of its Jacobian by automatic differentiation, in float64."""
    model = copied(model)
    assert isinstance(model, nn.Module)
    model.double()
    y = random_points(model.image, 1).double()
    _, log_det = model.transform(y)
    jacobian = torch.autograd.functional.jacobian(lambda v: model.transform(v)[0], y)
    assert isinstance(jacobian, Tensor)
    size = model.image.num_dims
    expected = torch.linalg.slogdet(jacobian.reshape(size, size))[1].view(1)
    demand_close(log_det, expected, f"{described(model)}: a log-determinant is not the Jacobian's.", atol=1e-8)

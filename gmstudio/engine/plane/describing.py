r"""All that a model says of a point: likelihood, conditionals, code, D(x), energy, reconstruction, paths.

Each part is computed where the model has the methods for it; none knows a family.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.evaluation.label_mixture import label_mixture
from gmstudio.engine.plane.exact import factor_pieces, product
from gmstudio.engine.plane.grid import grid_of_data
from gmstudio.engine.plane.insides import checked_point
from gmstudio.engine.plane.rules import rule_for
from gmstudio.engine.plane.surface import SurfaceSlot
from gmstudio.engine.plane.views.adversarial import Adversarial, generator_gradients
from gmstudio.engine.plane.views.chain_rule import Slices
from gmstudio.engine.plane.views.latent import decodes_codes
from gmstudio.engine.plane.views.view import Floats, ViewRequest, array, flat, nats
from gmstudio.engine.runtime.inspection import exploring_pieces
from gmstudio.families.base import (
    Autoregressive,
    Bounded,
    Discriminator,
    Encoder,
    Estimated,
    Family,
    FreeEnergy,
    Invertible,
    Latent,
    MarkovChain,
    Posterior,
    TimestepBound,
)
from gmstudio.families.insides import Scored
from gmstudio.protocol.base import Event
from gmstudio.protocol.families import dim_label
from gmstudio.protocol.plane import DescribePoint, PointDescribed
from gmstudio.protocol.plane_layers import Arrows, Paths, PlaneLayer, Profile
from gmstudio.protocol.scenes import Number

BOUND_SAMPLES = 1000
TERMS_AT_ONCE = 50
SHOWN_DIMS = 8
CHAIN_STEPS = 20
NUM_CHAINS = 32
NUM_PATHS = 6
PATH_STEPS = 25
ARROW = 0.08
"""Length of an arrow that shows a direction only, as a share of the plane."""


class Part(NamedTuple):
    """Part of a description."""

    numbers: tuple[Number, ...] = ()
    layers: tuple[PlaneLayer, ...] = ()


def describe_point(
    model: Family, step: int, dataset: Dataset, command: DescribePoint, slot: SurfaceSlot | None = None
) -> Iterator[Event | None]:
    """Describe a point by a model.

    Args:
        model: whose weights don't change meanwhile.
        step: training step of the weights.
        dataset: that it was trained on.
        command: point and seed.
        slot: keeps the surface of the model; None: it is not kept.

    Returns:
        A generator of None after each piece and, last, ``PointDescribed``.

    Raises:
        ValueError: at once, for a point with another number of coordinates, or one that is not finite.
    """
    grid = grid_of_data(model, dataset)
    point = checked_point(grid, command.point)
    request = ViewRequest(model, dataset, grid, {}, point, command.seed, slot or SurfaceSlot())
    return _pieces(request, step, command)


def _pieces(request: ViewRequest, step: int, command: DescribePoint) -> Iterator[Event | None]:
    numbers: list[Number] = []
    layers: list[PlaneLayer] = []
    for part in exploring_pieces(request.model, _parts(request)):
        if part is not None:
            numbers += part.numbers
            layers += part.layers
        yield None
    assert request.point is not None
    yield PointDescribed(
        request=command.request,
        run=command.run,
        point=tuple(request.point.tolist()),
        numbers=tuple(numbers),
        layers=tuple(layers),
        weights_step=step,
    )


def _parts(request: ViewRequest) -> Iterator[Part | None]:
    model, image = request.model, request.of_points(flat(_point(request)[np.newaxis]))
    yield from _likelihood(request)
    if isinstance(model, Bounded):
        yield from _bound(request, image)
    if isinstance(model, Estimated) and not request.has_surface:
        value = float(model.log_prob_estimate(image, 1000, request.generator()))
        yield Part((Number("log p(x), estimate", nats(value), "Estimate of log p(x).", r"\log \hat{p}(x)"),))
    if isinstance(model, Autoregressive) and label_mixture(model, request.dataset.train.labels) is not None:
        yield from _labels(request)
    if isinstance(model, FreeEnergy):
        value = float(model.free_energy(image))
        yield Part((Number("F(x)", nats(value), "Free energy: −log p(x) − log Z.", "F(x)"),))
    if isinstance(model, Invertible):
        yield _flow_code(model, request)
    if isinstance(model, Posterior):
        yield _posterior(model, image)
    elif isinstance(model, Encoder) and decodes_codes(model):
        code = model.encode(image)[0].tolist()
        yield Part((Number("z", _listed([f"{value:.3f}" for value in code]), "Code of the point.", "z"),))
    if isinstance(model, Encoder) and isinstance(model, Latent) and decodes_codes(model):
        yield _reconstruction(request, model.decode(model.encode(image)))
    if isinstance(model, Discriminator):
        yield _discriminator(model, request, image)
    if isinstance(model, Scored):
        yield from _denoising(model, request)
    elif isinstance(model, MarkovChain):
        yield from _chain(model, request, image)


def _point(request: ViewRequest) -> Floats:
    assert request.point is not None
    return request.point


def _likelihood(request: ViewRequest) -> Iterator[Part | None]:
    """Log p of the cell, p* of it, and the conditionals."""
    grid = request.grid
    x1, *rest = (axis.level(value, grid.levels) for axis, value in zip(grid.axes, _point(request), strict=True))
    x2 = rest[0] if rest else 0
    numbers: list[Number] = []
    if request.dataset.truth is not None:
        true = float(request.dataset.truth[x2, x1])
        numbers.append(Number("log p*(x)", nats(_log(true)), "Of the true distribution.", r"\log p^*(x)"))
    if not request.has_surface:
        yield Part((*_counted(request, x1, x2), *numbers))
        return
    values, rule = (yield from request.surface()), rule_for(request.model)
    p, how = float(values[x2, x1]), rule.help
    name = "log p(x)" if rule.method == "exact" else f"log p(x), {rule.method}"
    numbers.insert(0, Number(name, nats(_log(p)), f"Log-probability of this cell. {how}", r"\log p(x)"))
    if grid.dims == 1:
        yield Part(tuple(numbers))
        return
    layers: list[PlaneLayer] = []
    order = (0, 1)
    if isinstance(request.model, Autoregressive):
        order = (yield from factor_pieces(request.model, grid)).axes  # type: ignore[assignment]
    for first in order:
        slices, own = Slices.derived(values, (first, 1 - first)), (x1, x2)
        a, b = f"x_{first + 1}", f"x_{2 - first}"
        conditional = slices.second_LL[own[first]]
        value = float(conditional[own[1 - first]])
        word = f"p({_symbol(1 - first)} | {_symbol(first)})"
        numbers.append(Number(word, f"{value:.5f}", "Of these values.", rf"p({b} \mid {a})"))
        if first == order[0]:
            places = array(grid.centres(1 - first))
            side = "y" if first == 0 else "x"
            layers.append(Profile(name=word, axis=side, places=places, heights=array(conditional)))  # type: ignore[arg-type]
    yield Part(tuple(numbers), tuple(layers))


def _counted(request: ViewRequest, x1: int, x2: int) -> tuple[Number, ...]:
    """Log-probability of the cell by the histogram of samples, where one has been counted."""
    counted = request.slot.surface
    if counted is None or counted.method != "histogram":
        return ()
    p = float(counted.values[x2, x1])
    words = f"By the histogram: {round(p * counted.counted):,} of {counted.counted:,} samples are in this cell."
    return (Number("log p(x), histogram", nats(_log(p)), words, r"\log \hat{p}(x)"),)


def _bound(request: ViewRequest, image: Tensor) -> Iterator[Part | None]:
    """The evidence lower bound: by all its terms, where they can be summed, else by many samples."""
    model = request.model
    if isinstance(model, TimestepBound):
        total, generator = 0.0, request.generator()
        for first in range(0, model.num_bound_terms, TERMS_AT_ONCE):
            last = min(first + TERMS_AT_ONCE, model.num_bound_terms)
            total -= float(model.bound_terms(image, first, last, generator))
            yield None
        words = f"Lower bound of log p(x), the sum of its {model.num_bound_terms:,} terms, each with noise drawn once."
    else:
        assert isinstance(model, Bounded)
        total = float(model.elbo(image, BOUND_SAMPLES, request.generator()))
        words = f"Lower bound of log p(x), by {BOUND_SAMPLES:,} samples."
    yield Part((Number("ELBO", nats(total), words, r"\mathrm{ELBO}(x)"),))


def _labels(request: ViewRequest) -> Iterator[Part | None]:
    """Probability of each label given the point, by Bayes' rule."""
    mixture = label_mixture(request.model, request.dataset.train.labels)
    assert mixture is not None
    cell = int(request.grid.cells(request.grid.snapped(_point(request)[np.newaxis]))[0])
    joint: dict[int, float] = {}
    for label, share in mixture.frequencies.items():
        factors = yield from factor_pieces(request.model, request.grid, label=label)
        joint[label] = share * float(product(*factors).flat[cell])
    total, names = sum(joint.values()), request.dataset.label_names
    yield Part(
        tuple(
            Number(
                f"p({names[label] if label < len(names) else label} | x)",
                f"{value / total:.4f}" if total > 0 else "unknown",
                "Of this label given the point, by Bayes' rule.",
                "",
            )
            for label, value in joint.items()
        )
    )


def _flow_code(model: Invertible, request: ViewRequest) -> Part:
    place = torch.from_numpy(request.grid.to_unit(_point(request)[np.newaxis]))
    like = next(request.model.parameters())
    z_BD, log_det_B = model.transform(place.to(like).view(-1, 1, 1, request.grid.dims))
    code = _listed([f"{value:.3f}" for value in z_BD[0].tolist()])
    return Part(
        (
            Number("z = f(x)", code, "Code of the centre of the cell.", "z = f(x)"),
            Number(
                "log |det J|",
                nats(float(log_det_B[0])),
                "Change of volume from the unit square of the axes to the codes.",
                r"\log\left|\det\, \partial f/\partial x\right|",
            ),
        )
    )


def _posterior(model: Posterior, image: Tensor) -> Part:
    mean_BZ, deviation_BZ = model.posterior(image)
    kl = float(model.kl_per_dim(image).sum())
    numbers = [
        Number(
            dim_label("z", dim + 1),
            f"{float(mean):.3f} ± {float(deviation):.3f}",
            "Mean and standard deviation of q(z|x).",
            f"z_{{{dim + 1}}}",
        )
        for dim, (mean, deviation) in enumerate(zip(mean_BZ[0], deviation_BZ[0], strict=True))
        if dim < SHOWN_DIMS
    ]
    words = "Information of the code about the point."
    return Part((*numbers, Number("KL(q(z|x) ‖ p(z))", nats(kl), words, r"D_{KL}\left(q(z|x)\,\|\,p(z)\right)")))


def _reconstruction(request: ViewRequest, means: Tensor) -> Part:
    start, end = flat(_point(request)[np.newaxis]), request.means_to_points(means)
    dims = request.grid.dims
    numbers = (
        Number("x̂", _listed([f"{value:.3f}" for value in end[0, :dims]]), "Reconstruction.", r"\hat{x}"),
        Number(
            "‖x − x̂‖",
            f"{np.linalg.norm(end - start):.4f}",
            "Its distance, in the units of the axes.",
            r"\|x - \hat{x}\|",
        ),
    )
    return Part(numbers, (Arrows(name="x to its reconstruction", starts=array(start), ends=array(end)),))


def _discriminator(model: Discriminator, request: ViewRequest, image: Tensor) -> Part:
    means = image.float() / (request.grid.levels - 1)
    metric = model.critic_metric
    numbers = [Number(metric.symbol, f"{float(model.discriminate(means)):.4f}", metric.help, metric.symbol)]
    if not isinstance(model, Adversarial):
        return Part(tuple(numbers))
    gradient = generator_gradients(model, means)[0].cpu().double().numpy()
    sides = np.array([axis.high - axis.low for axis in request.grid.axes])
    per_unit = gradient * request.grid.levels / (request.grid.levels - 1) / sides
    words = "Length of the gradient of the generator's loss, per unit of the axes, if it generated this point."
    length = f"{np.linalg.norm(per_unit):.4g}"
    numbers.append(Number("‖∂L_G/∂x‖", length, words, r"\left\|\partial\mathcal{L}_G/\partial x\right\|"))
    longest = float(np.linalg.norm(per_unit / sides))
    if request.grid.dims == 1 or longest == 0:
        return Part(tuple(numbers))
    start = _point(request)[np.newaxis]
    arrow = Arrows(name="−∂L_G/∂x", starts=array(start), ends=array(start - ARROW / longest * per_unit), series=1)
    return Part(tuple(numbers), (arrow,))


def _denoising(model: Scored, request: ViewRequest) -> Iterator[Part | None]:
    """Paths of denoising from the point, noised to half of the timesteps."""
    t = max(1, model.num_timesteps // 2)
    signal, sigma = model.noise_level(t)
    place = torch.from_numpy(request.grid.to_unit(_point(request)[np.newaxis])).float().to(request.device)
    x0 = model.to_states(place).expand(NUM_PATHS, -1)
    noise = torch.randn(x0.shape, generator=request.generator(), device=request.device)
    trail = []
    for step in model.denoising_paths(signal * x0 + sigma * noise, t, PATH_STEPS, 1.0, request.generator(1)):
        trail.append(request.unit_to_points(model.to_places(step.states)))
        yield None
    apart = np.linalg.norm(trail[-1] - flat(_point(request)[np.newaxis]), axis=1)
    words = f"Mean distance of the point from where {NUM_PATHS} paths end that start from it, noised to t = {t}."
    numbers = (Number("distance after denoising", f"{apart.mean():.4f}", words, ""),)
    if request.grid.dims == 1:
        yield Part(numbers)
        return
    points = np.stack(trail, axis=1)
    yield Part(numbers, (Paths(name=f"denoised from t = {t}", points=array(points), marked=True),))


def _chain(model: MarkovChain, request: ViewRequest, image: Tensor) -> Iterator[Part | None]:
    """Path of a chain that starts at the point, and how far several get."""
    starts = image.repeat(NUM_CHAINS, 1, 1, 1)
    states = [request.grid.points(starts.cpu().numpy())]
    for state in model.chain(starts, request.generator()):
        states.append(request.grid.points(state.cpu().numpy()))
        yield None
        if len(states) > CHAIN_STEPS:
            break
    numbers = tuple(
        Number(
            f"distance after {count} transition{'s' if count > 1 else ''}",
            f"{np.linalg.norm(states[count] - states[0], axis=1).mean():.4f}",
            f"Mean distance of {NUM_CHAINS} chains from the point, where they start, in the units of the axes.",
        )
        for count in (1, CHAIN_STEPS)
    )
    path = np.stack([flat(state[:1]) for state in states], axis=1)
    one = Paths(name=f"{CHAIN_STEPS} transitions", points=array(path), marked=True)
    yield Part(numbers, (one,) if request.grid.dims == 2 else ())


def _log(p: float) -> float:
    return math.log(p) if p > 0 else -math.inf


def _symbol(axis: int) -> str:
    return ("x₁", "x₂")[axis]


def _listed(values: list[str]) -> str:
    shown = ", ".join(values[:SHOWN_DIMS])
    more = ", …" if len(values) > SHOWN_DIMS else ""
    return values[0] if len(values) == 1 else f"({shown}{more})"

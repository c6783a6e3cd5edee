"""Base of all autoregressive families: p(x) = ∏ p(x_i | x_<i), scored in one pass and generated step by step.

A family defines its conditionals (``logits``) and, if it can compute them one after another without repeating work, an
incremental sampler (``stepper``). Scoring, the training loss, sampling and the pixel session follow from these two.

A class-conditional family has p(x | label) for each of ``num_classes`` labels, and a separate density p(x) without
one.

Shape legend: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W).
"""

import copy
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gmstudio.families.autoregressive.block_sweep import BlockConditionals
from gmstudio.families.autoregressive.chain_figures import ChainFigures
from gmstudio.families.autoregressive.drawing import ExactConditionals
from gmstudio.families.autoregressive.fixed_point import JacobiRounds, Round, given_images
from gmstudio.families.autoregressive.orders import names_each_once, raster_order
from gmstudio.families.autoregressive.plain_stepper import PlainStepper
from gmstudio.families.autoregressive.sampling_plan import BatchSampler, SamplingMethod, pace_of
from gmstudio.families.autoregressive.session import AutoregressiveSession, Position, Stepper
from gmstudio.families.base import Family, LossTerms, Phase
from gmstudio.protocol.images import ImageSpec

Order = Tensor | Sequence[Position] | None
NO_LABEL = -1
"""Entry in a batch of labels for an image that has none."""


class AutoregressiveFamily(ChainFigures, Family):
    """Base of the families with the exact chain rule.

    A model that can generate in any order sets ``any_order`` and uses the ``order_D3`` that its methods receive; other
    models only receive their own order, the raster order unless they override ``own_order``. A model that can be
    conditioned on labels sets ``num_classes`` and uses ``labels_B``; other models only receive None.
    """

    any_order: bool = False
    order_words: str = "raster order only: row by row from the top left"
    """Description of the order, for a model that generates in one order only."""
    num_classes: int = 0
    """Labels 0 … num_classes-1 that the model can be conditioned on; 0: none."""
    trained_labels: tuple[int, ...] | None = None
    """Labels that training images had; None: unknown. Set by whoever trains or loads the model."""
    differentiable: bool = False
    """``log_components`` takes levels between the integers and has a gradient in them."""
    max_session: ClassVar[int] = 256
    """Images that ``sample`` generates side by side; more are done one group after another, to bound the memory."""

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels that the model can be conditioned on and was trained with, rising; empty: none."""
        known = range(self.num_classes) if self.trained_labels is None else self.trained_labels
        return tuple(label for label in known if label < self.num_classes)

    @property
    def own_order(self) -> Tensor:
        """(D, 3) int64 rows (channel, row, column): the order in which the model is trained and generates."""
        return raster_order(self.image)

    @abstractmethod
    def logits(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Log-probabilities, up to a constant, of every level of every sub-pixel given those before it.

        Args:
            x_BCHW: integer images on the model's device.
            order_D3: rows (channel, row, column), the generation order.
            labels_B: int64 labels on the model's device, ``NO_LABEL`` where an image has none; None: no image has one.

        Returns:
            (B, C, H, W, L) floats.
        """

    def log_prob_per_dim(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Log-probability log p(x_i | x_<i) of each sub-pixel's own value: (B, C, H, W), nats; see ``logits``."""
        log_probs_BCHWL = functional.log_softmax(self.logits(x_BCHW, order_D3, labels_B), dim=-1)
        return log_probs_BCHWL.gather(-1, x_BCHW.long().unsqueeze(-1)).squeeze(-1)

    def log_components(
        self, levels_BCHW: Tensor, step: int, order_D3: Tensor, labels_B: Tensor | None = None
    ) -> Tensor:
        """Conditional of one sub-pixel given those before it, as the sum of the components of a mixture.

        Args:
            levels_BCHW: images on the model's device: integers, or floats where the model is ``differentiable``.
                Sub-pixels from ``step`` on do not matter.
            step: of the sub-pixel in the order.
            order_D3: the generation order.
            labels_B: labels that the images are conditioned on, see ``logits``.

        Returns:
            (B, K, L) log-probabilities, nats, whose exponentials sum to one over components and levels; K is 1 where
            the conditional is no mixture.
        """
        channel, row, column = order_D3[step].tolist()
        return self.logits(levels_BCHW, order_D3, labels_B)[:, channel, row, column].log_softmax(1).unsqueeze(1)

    def stepper(
        self, images_BCHW: NDArray[np.uint8], order_D3: Tensor, rewindable: bool, labels_B: Tensor | None = None
    ) -> Stepper:
        """Create the computation of a session's conditionals; by default a full forward pass of a copy of the model.

        The weights are copied, because training may continue while a session is open.

        Args:
            images_BCHW: images of the session; earlier sub-pixels are set before a conditional is computed.
            order_D3: the generation order.
            rewindable: whether ``Stepper.rewind`` will be called; if not, less has to be stored.
            labels_B: labels that the images are conditioned on, see ``logits``.
        """
        return PlainStepper(copy.deepcopy(self), images_BCHW, order_D3, labels_B)

    def block_conditionals(
        self, order_D3: Tensor, batch: int, labels_B: Tensor | None = None
    ) -> BlockConditionals | None:
        """Conditionals of whole blocks of steps, with the weights as they are; None: the family has none on its device.

        Args:
            order_D3: the generation order.
            batch: images side by side.
            labels_B: labels that the images are conditioned on, see ``logits``.
        """
        return None

    def receptive_field(self, step: int, order_D3: Tensor) -> Tensor:
        """(C, H, W) bool: sub-pixels that the conditional at ``step`` can depend on; by default all before it."""
        seen_CHW = torch.zeros(self.image.shape, dtype=torch.bool)
        seen_CHW[tuple(order_D3[:step].T)] = True
        return seen_CHW

    def log_prob(self, x_BCHW: Tensor, order: Order = None, labels: Tensor | None = None) -> Tensor:
        """Exact log-likelihood of images.

        Args:
            x_BCHW: integers 0 … levels-1 of any integer dtype.
            order: generation order, see ``check_order``.
            labels: of each image, see ``check_labels``; None: log p(x) without labels.

        Returns:
            (B,), nats.

        Raises:
            ValueError: when the images, the order or the labels do not fit the model.
        """
        x_BCHW = check_images(x_BCHW, self.image).to(self.device)
        labels_B = self.check_labels(labels, len(x_BCHW))
        return self.log_prob_per_dim(x_BCHW, self.check_order(order), labels_B).flatten(1).sum(1)

    def phases(self) -> list[Phase]:
        """One phase: maximum likelihood."""
        return [Phase("model", list(self.parameters()), self._loss, entrywise=self.entrywise_parameters())]

    def _loss(self, batch: Tensor, generator: torch.Generator) -> LossTerms:
        """Mean −log p(x), nats per image."""
        return {"loss": -self.log_prob_per_dim(batch, self.own_order).flatten(1).sum(1).mean()}

    def check_order(self, order: Order) -> Tensor:
        """Generation order as (D, 3) int64 rows (channel, row, column); None: the model's own.

        Raises:
            ValueError: when it does not name every sub-pixel once, or when the model cannot generate in it.
        """
        if order is None:
            return self.own_order
        order_D3 = torch.as_tensor(order, dtype=torch.int64).cpu()
        if not names_each_once(order_D3, self.image):
            raise ValueError(
                f"The order has shape {tuple(order_D3.shape)}; it must name each of the {self.image.num_dims} "
                "sub-pixels (channel, row, column) exactly once."
            )
        if not self.any_order and not torch.equal(order_D3, self.own_order):
            raise ValueError(f"{self.card.title} generates in {self.order_words}.")
        return order_D3

    def check_labels(self, labels: Tensor | None, batch: int) -> Tensor | None:
        """Labels as (B,) int64 on the model's device; None: none of the images has one.

        Args:
            labels: (B,) integers 0 … num_classes-1, or ``NO_LABEL`` (-1) for an image without; any device.
            batch: images B.

        Raises:
            ValueError: when the model has no classes, or a label is not one of them.
        """
        if labels is None:
            return None
        if not self.num_classes:
            raise ValueError(
                f"This {self.card.title} was not trained with labels, so it cannot be conditioned on any; leave the "
                "label out."
            )
        if labels.shape != (batch,) or labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
            raise ValueError(
                f"Labels of {labels.dtype} and shape {tuple(labels.shape)} do not fit {batch} images; give one integer "
                "for each."
            )
        outside = labels[(labels < NO_LABEL) | (labels >= self.num_classes)]
        if len(outside):
            raise ValueError(
                f"There is no label {int(outside[0])}; this model has 0 to {self.num_classes - 1}, and {NO_LABEL} "
                "for no label."
            )
        return labels.to(self.device, torch.int64)

    def check_trained(self, labels: Iterable[int]) -> None:
        """Check that the model was trained with all of these labels; ``NO_LABEL`` is one of them.

        Raises:
            ValueError: when no training image had one of them.
        """
        unknown = sorted(set(labels) - {NO_LABEL, *self.labels})
        if unknown:
            raise ValueError(
                f"No training image had the label {unknown[0]}; this model was trained with "
                f"{', '.join(map(str, self.labels))}."
            )

    def pixel_session(
        self,
        batch: int,
        order: Order = None,
        generator: torch.Generator | None = None,
        *,
        rewindable: bool = True,
        labels: Tensor | None = None,
    ) -> AutoregressiveSession:
        """Open a session that generates ``batch`` images step by step with the weights as they are now.

        Args:
            batch: images, 1 or more.
            order: generation order, see ``check_order``.
            generator: source of the session's uniforms.
            rewindable: whether ``rewind`` may be called; if not, less is stored.
            labels: class that each image is conditioned on, see ``check_labels``.

        Raises:
            ValueError: when the batch is less than 1, or the order or the labels do not fit.
        """
        uniforms_DB, order_D3 = self._uniforms(batch, generator), self.check_order(order)
        return self.open_session(uniforms_DB, order_D3, self.check_labels(labels, batch), rewindable=rewindable)

    def plain_pixel_session(
        self,
        batch: int,
        order: Order = None,
        generator: torch.Generator | None = None,
        *,
        labels: Tensor | None = None,
    ) -> AutoregressiveSession:
        """Like ``pixel_session`` with a full forward pass per sub-pixel: the reference for tests and benchmarks."""
        uniforms_DB, order_D3 = self._uniforms(batch, generator), self.check_order(order)
        stepper = partial(AutoregressiveFamily.stepper, self)
        return self.open_session(uniforms_DB, order_D3, self.check_labels(labels, batch), stepper)

    def open_session(
        self,
        uniforms_DB: Tensor,
        order_D3: Tensor,
        labels_B: Tensor | None,
        stepper: Callable[..., Stepper] | None = None,
        *,
        rewindable: bool = True,
        keep: bool = True,
    ) -> AutoregressiveSession:
        """Open a session with given uniforms.

        Args:
            uniforms_DB: row ``i`` turns the conditional at step ``i`` into a value.
            order_D3: the generation order.
            labels_B: labels that the images are conditioned on, see ``logits``.
            stepper: instead of the family's own, see there.
            rewindable: see ``pixel_session``.
            keep: the session keeps its weights if those of the model change; if not, they must not.
        """
        opened = partial(stepper or self.stepper, labels_B=labels_B)
        exact = ExactConditionals(self, order_D3, labels_B, keep_weights=keep)
        return AutoregressiveSession(
            self.image, order_D3, uniforms_DB, opened, self.receptive_field, exact, rewindable=rewindable
        )

    def sample(
        self,
        n: int,
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
        order: Order = None,
        *,
        labels: Tensor | None = None,
        method: SamplingMethod = "auto",
    ) -> Tensor:
        """Generate images.

        Args:
            n: how many, 1 or more.
            generator: source of randomness; the same generator state gives the images that a session of ``n`` gives.
            temperature: divides the logits; 1 samples the model, 0 takes the most likely value each time.
            order: generation order, see ``check_order``.
            labels: class that each image is conditioned on, see ``check_labels``.
            method: by steps (sequential) or by rounds of guesses (parallel); auto: whichever is faster. The images are
                the same, byte for byte.

        Returns:
            (n, C, H, W) uint8, on the model's device.
        """
        order_D3, labels_B = self.check_order(order), self.check_labels(labels, n)
        model, groups = self, []
        if torch.finfo(next(self.parameters()).dtype).bits < 32:  # steps compute in 32 bits: blocks and passes, too
            model = copy.deepcopy(self).float()
        for number, uniforms_DB in enumerate(self._uniforms(n, generator).split(self.max_session, dim=1)):
            own = slice(number * self.max_session, (number + 1) * self.max_session)
            labels_G = None if labels_B is None else labels_B[own]
            pace = pace_of(self, uniforms_DB.shape[1])
            sampler = BatchSampler(model, pace, uniforms_DB.contiguous(), order_D3, temperature, labels_G)
            groups.append(sampler.sample(method))
        return torch.cat(groups).to(self.device)

    def parallel_rounds(
        self,
        uniforms_DB: Tensor,
        order_D3: Tensor,
        temperature: float = 1.0,
        *,
        labels_B: Tensor | None = None,
        given_BCHW: NDArray[np.uint8] | None = None,
        num_given: int = 0,
    ) -> Iterator[Round]:
        """Sample by guessing all sub-pixels at once, again and again until nothing changes.

        Args:
            uniforms_DB: row ``i`` turns the conditional at step ``i`` into a value, as in a session.
            order_D3: the generation order.
            temperature: divides the logits, see ``sample``.
            labels_B: labels that the images are conditioned on, see ``logits``.
            given_BCHW: images whose first ``num_given`` sub-pixels of the order are observed; None: none is.
            num_given: 0 … D.

        Returns:
            A generator of rounds, after one pass each. The images of the last one are those that a session with these
            uniforms gives, byte for byte.

        Raises:
            ValueError: when the temperature, the images or their number of observed sub-pixels do not fit.
        """
        exact = ExactConditionals(self, order_D3, labels_B, keep_weights=False)
        start_BCHW = given_images(self.image, uniforms_DB.shape[1], given_BCHW, num_given, order_D3)
        rounds = JacobiRounds(self, exact, uniforms_DB.numpy(), order_D3, temperature, labels_B)
        return rounds.run(start_BCHW, num_given)

    def _uniforms(self, batch: int, generator: torch.Generator | None) -> Tensor:
        """(D, B) uniforms in [0, 1), on the CPU."""
        if batch < 1:
            raise ValueError(f"{batch} images cannot be generated; the number must be 1 or more.")
        device = generator.device if generator is not None else torch.device("cpu")
        return torch.rand(self.image.num_dims, batch, generator=generator, device=device).cpu()


def check_images(x_BCHW: Tensor, image: ImageSpec) -> Tensor:
    """Return the images, checked against the model's specification.

    Raises:
        ValueError: when they are not integers, have another shape, or values outside 0 … levels-1.
    """
    if x_BCHW.is_floating_point() or x_BCHW.is_complex():
        raise ValueError(f"Images are integers 0 to {image.levels - 1}, not {x_BCHW.dtype}; quantize them first.")
    if x_BCHW.dim() != 4 or tuple(x_BCHW.shape[1:]) != image.shape:
        raise ValueError(
            f"Images of shape {tuple(x_BCHW.shape)} do not fit this model; it accepts (batch, {image.channels}, "
            f"{image.height}, {image.width})."
        )
    if x_BCHW.numel() and not 0 <= int(x_BCHW.min()) <= int(x_BCHW.max()) < image.levels:
        raise ValueError(
            f"Image values go from {int(x_BCHW.min())} to {int(x_BCHW.max())}; this model accepts 0 to "
            f"{image.levels - 1}. Quantize the images to {image.levels} levels."
        )
    return x_BCHW

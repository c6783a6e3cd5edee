"""Scores of a generation under another model, in the same order."""

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.pixels.breakpoints import TINY
from gmstudio.engine.pixels.generation import Generation
from gmstudio.engine.pixels.setting import PixelModel, PixelSetting
from gmstudio.engine.runtime.inspection import exploring
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.base import Family, PixelSession
from gmstudio.protocol.array import Array
from gmstudio.protocol.pixels import ComparePixels, PixelsCompared

FloatArray = NDArray[np.float32]


def compare(
    generation: Generation, model: Family, run: str, weights_step: int, command: ComparePixels
) -> PixelsCompared:
    """Score the placed sub-pixels of a generation with another model.

    A label that the generation is conditioned on is used for the other model too, if it has as many classes.

    Args:
        generation: its order and values are used.
        model: of the other run, with its current weights.
        run: name of the other run.
        weights_step: training step of those weights.
        command: the request.

    Raises:
        ValueError: when the model is not autoregressive, makes other images, or cannot generate in this order.
    """
    pixels = comparable(generation, model)
    with exploring(model):
        if isinstance(pixels, AutoregressiveFamily):
            nats, conditional, context = _score(generation, pixels)
        else:
            nats, conditional, context = _score_by_stepping(generation, pixels)
    return PixelsCompared(
        request=command.request,
        session=generation.number,
        run=run,
        weights_step=weights_step,
        step=generation.step,
        nats=Array.of(nats),
        conditional=Array.of(conditional),
        context=Array.of(context),
    )


def comparable(generation: Generation, model: Family) -> PixelModel:
    """Return the model, typed as one that can be compared with a generation's.

    Raises:
        ValueError: when it is not autoregressive, or makes other images.
    """
    if not isinstance(model, PixelModel):
        raise ValueError("Only an autoregressive model scores pixel by pixel; choose a run of such a family.")
    if model.image != generation.image:
        raise ValueError(
            f"That run makes images of {model.image}, this generation is one of {generation.image}; choose a run of "
            "the same images."
        )
    return model


def order_for(generation: Generation, model: AutoregressiveFamily) -> torch.Tensor:
    """(D, 3) order of a generation.

    Raises:
        ValueError: when the model cannot generate in it.
    """
    try:
        return model.check_order(torch.from_numpy(generation.order))
    except ValueError as error:
        raise ValueError(f"{error} This generation has another order; compare with a model that takes it.") from None


def labels_for(generation: Generation, model: AutoregressiveFamily) -> torch.Tensor | None:
    """(1,) label of a generation, or None where it has none or the model has fewer classes."""
    label = generation.setting.label
    known = label in model.labels
    return torch.tensor([label], device=model.device) if known else None


def session_for(generation: Generation, model: PixelModel) -> PixelSession:
    """Open a session of another package's model, which need only have one.

    Raises:
        ValueError: when it has another order than the generation.
    """
    session = PixelSetting(model).open_session(1, torch.zeros(generation.image.num_dims, 1))
    if not np.array_equal(session.order.cpu().numpy(), generation.order):
        raise ValueError("That model generates in another order than this generation; compare with one that takes it.")
    return session


def _score(generation: Generation, model: AutoregressiveFamily) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """(step,) nats of the placed sub-pixels; (L,) conditional of the next one, empty at the end; (C, H, W) context."""
    step, order_D3 = generation.step, order_for(generation, model)
    labels_B = labels_for(generation, model)
    with torch.inference_mode():
        x_1CHW = torch.from_numpy(generation.image_at(step)).unsqueeze(0).to(model.device)
        log_prob_CHW = model.log_prob_per_dim(x_1CHW, order_D3, labels_B)[0].float().cpu()
        nats: FloatArray = (-log_prob_CHW[tuple(order_D3[:step].T)]).clamp(min=0.0).numpy()
        if step == generation.image.num_dims:
            return nats, *_nothing(generation)
        log_KL = model.log_components(x_1CHW, step, order_D3, labels_B)[0]
        conditional: FloatArray = log_KL.logsumexp(0).softmax(0).float().cpu().numpy()
    return nats, conditional, model.receptive_field(step, order_D3).cpu().numpy()


def _score_by_stepping(generation: Generation, model: PixelModel) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """The same for a model that has only a pixel session."""
    session = session_for(generation, model)
    nats = np.zeros(generation.step, dtype=np.float32)
    with torch.inference_mode():
        for step, value in enumerate(generation.values):
            nats[step] = max(0.0, -np.log(max(float(session.conditional()[0, value]), TINY)))
            session.place(torch.tensor([value], device=session.images.device))
        if generation.step == generation.image.num_dims:
            return nats, *_nothing(generation)
        conditional: FloatArray = session.conditional()[0].float().cpu().numpy()
    return nats, conditional, session.context().cpu().numpy()


def _nothing(generation: Generation) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Conditional and context at the end of an image."""
    return np.zeros(0, dtype=np.float32), np.zeros(generation.image.shape, dtype=np.bool_)

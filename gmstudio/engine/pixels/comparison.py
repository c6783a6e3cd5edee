"""Scores of a generation under another model, in the same order."""

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.pixels.breakpoints import TINY
from gmstudio.engine.pixels.generation import Generation
from gmstudio.engine.pixels.setting import PixelModel, PixelSetting
from gmstudio.engine.runtime.inspection import exploring
from gmstudio.families.autoregressive.base import NO_LABEL, AutoregressiveFamily
from gmstudio.families.base import Family
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
        run: path of the other run.
        weights_step: training step of those weights.
        command: the request.

    Raises:
        ValueError: when the model is not autoregressive, makes other images, or cannot generate in this order.
    """
    if not isinstance(model, PixelModel):
        raise ValueError("Only an autoregressive model scores pixel by pixel; choose a run of such a family.")
    if model.image != generation.image:
        raise ValueError(
            f"That run makes images of {model.image}, this generation is one of {generation.image}; choose a run of "
            "the same images."
        )
    with exploring(model):
        if isinstance(model, AutoregressiveFamily):
            nats, conditional = _score(generation, model)
        else:
            nats, conditional = _score_by_stepping(generation, model)
    return PixelsCompared(
        request=command.request,
        session=generation.number,
        run=run,
        weights_step=weights_step,
        step=generation.step,
        nats=Array.of(nats),
        conditional=Array.of(conditional),
    )


def _score(generation: Generation, model: AutoregressiveFamily) -> tuple[FloatArray, FloatArray]:
    """(step,) nats of the placed sub-pixels, and the (L,) conditional of the next one, empty at the end."""
    step, label = generation.step, generation.setting.label
    order_D3 = torch.from_numpy(generation.order)
    try:
        order_D3 = model.check_order(order_D3)
    except ValueError as error:
        raise ValueError(f"{error} This generation has another order; compare with a model that takes it.") from None
    known = NO_LABEL < label < model.num_classes
    labels_B = torch.tensor([label], device=model.device) if known else None
    with torch.inference_mode():
        x_1CHW = torch.from_numpy(generation.image_at(step)).unsqueeze(0).to(model.device)
        log_prob_CHW = model.log_prob_per_dim(x_1CHW, order_D3, labels_B)[0].float().cpu()
        nats: FloatArray = -log_prob_CHW[tuple(order_D3[:step].T)].numpy()
        if step == generation.image.num_dims:
            return nats, np.zeros(0, dtype=np.float32)
        log_KL = model.log_components(x_1CHW, step, order_D3, labels_B)[0]
        conditional: FloatArray = log_KL.logsumexp(0).softmax(0).float().cpu().numpy()
    return nats, conditional


def _score_by_stepping(generation: Generation, model: PixelModel) -> tuple[FloatArray, FloatArray]:
    """The same for a family of another package, which need only have a pixel session."""
    session = PixelSetting(model).open_session(1, torch.zeros(generation.image.num_dims, 1))
    if not np.array_equal(session.order.cpu().numpy(), generation.order):
        raise ValueError("That model generates in another order than this generation; compare with one that takes it.")
    nats = np.zeros(generation.step, dtype=np.float32)
    with torch.inference_mode():
        for step, value in enumerate(generation.values):
            nats[step] = -np.log(max(float(session.conditional()[0, value]), TINY))
            session.place(torch.tensor([value], device=session.images.device))
        if generation.step == generation.image.num_dims:
            return nats, np.zeros(0, dtype=np.float32)
        conditional: FloatArray = session.conditional()[0].float().cpu().numpy()
    return nats, conditional

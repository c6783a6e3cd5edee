"""Filters of a restricted Boltzmann machine: the weights themselves, of the units that are on most often."""

import torch
from autoregressive_cases import make

from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.inputs import random_images, seeded


def test_filters_are_weights_of_the_most_active_units() -> None:
    image = ImageSpec(1, 3, 4, 2)
    model = make("rbm", {"num_hidden": 6}, image)
    x = random_images(image, 20)
    figure = next(figure for figure in model.figures(x, seeded()) if figure.name == "filters")
    activity = model.encode(x).mean(0).detach()
    units = [int(label.removeprefix("unit ")) for label in figure.labels]
    assert figure.values is not None and (activity[units].diff() <= 0).all()
    for unit, shown in zip(units, figure.values, strict=True):
        torch.testing.assert_close(shown.flatten(), model.machine.weight_VH[:, unit].detach())

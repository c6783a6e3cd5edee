"""Labels of runs name what differs from the defaults, the data, and the size of the images."""

import msgspec
import pytest

from gmstudio.engine.catalog import family_entries
from gmstudio.engine.runs import label
from gmstudio.engine.runs.label import RunLabel, unit_of
from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec

ENTRIES = family_entries()
DIGITS, MNIST = ImageSpec(1, 8, 8, 16), ImageSpec(1, 28, 28, 2)


def label_of(run: RunSpec, image: ImageSpec) -> RunLabel:
    return label.label_of(run, image, ENTRIES)


def spec(family: str, config: dict[str, object] | None = None, **training: object) -> RunSpec:
    """A complete specification on the digits, as it is recorded."""
    defaults = msgspec.to_builtins(FAMILIES[family].training_defaults)
    return RunSpec(family=family, config=config or {}, data="digits", training={**defaults, **training})


@pytest.mark.parametrize(
    ("family", "config", "training", "model"),
    [
        ("vae", {}, {}, "VAE"),
        ("vae", {"beta": 10.0}, {}, "VAE · β = 10"),
        ("pixelcnn", {}, {"learning_rate": 0.01}, "PixelCNN · lr 0.01"),
        ("nade", {"order_agnostic": True}, {"seed": 3}, "NADE · order-agnostic · seed 3"),
        ("pixelcnn", {}, {"mutation": 0.1}, "PixelCNN · background, μ = 0.1"),
        ("gan", {"objective": "minimax"}, {"steps": 7, "sample_every": 3}, "GAN · objective minimax"),
        (
            "vae",
            {"num_latent": 2, "num_hidden": 64, "beta": 4.0, "kl_warmup": 100, "free_bits": 0.5},
            {},
            "VAE · latent dimensions 2 · hidden units 64 · β = 4 · KL warm-up 100 · +1",
        ),
    ],
)
def test_settings_that_differ_are_in_the_label(
    family: str, config: dict[str, object], training: dict[str, object], model: str
) -> None:
    assert label_of(spec(family, config, **training), DIGITS).model == model


def test_all_that_differs_is_listed_with_its_default() -> None:
    found = label_of(spec("vae", {"beta": 10.0}, steps=77), DIGITS)
    assert found.differing == ("β: 10 (default 1)", "Steps: 77 (default 1500)")


@pytest.mark.parametrize(
    ("data", "config", "image", "shown"),
    [
        ("digits", {}, DIGITS, "Digits 8×8"),
        ("digits", {"levels": 2, "binarize": "sample"}, DIGITS, "Digits 8×8, 2 levels, binarization stochastic"),
        ("mnist", {"size": 14}, ImageSpec(1, 14, 14, 2), "MNIST subset 14×14"),
        ("fashion_mnist", {"levels": 16}, MNIST, "Fashion-MNIST subset 28×28, 16 levels"),
        ("shapes", {"classes": "square"}, ImageSpec(3, 20, 20, 4), "Coloured shapes 20×20, include classes square"),
        ("idx", {"folder": "/data/MNIST/raw"}, MNIST, "MNIST 28×28"),
        ("idx", {"folder": "/data/sets", "variant": "emnist-letters"}, MNIST, "emnist-letters 28×28"),
        ("idx", {"folder": "/d/MNIST", "classes": "3,8"}, MNIST, "MNIST 28×28, include classes 3,8"),
        ("idx", {"folder": 7}, MNIST, "IDX files (MNIST …) 28×28"),
        ("cifar10", {"folder": "/d/cifar"}, ImageSpec(3, 32, 32, 256), "CIFAR-10 32×32"),
        ("binarized_mnist", {}, MNIST, "Binarized MNIST 28×28"),
        ("else\x1b[31mwhere", {}, MNIST, "else[31mwhere 28×28"),
    ],
)
def test_the_data_is_named(data: str, config: dict[str, object], image: ImageSpec, shown: str) -> None:
    found = label_of(RunSpec(family="vae", data=data, data_config=config), image)
    assert found.data == shown


def test_an_unknown_family_is_named_as_it_is_recorded() -> None:
    found = label_of(RunSpec(family="dbn", config={"x": 1}, data="digits"), DIGITS)
    assert (found.model, found.differing) == ("dbn", ())


def test_units_of_one_are_singular() -> None:
    counted = {"unit": "layers"}
    assert [unit_of(value, counted) for value in (0, 1, 2)] == ["layers", "layer", "layers"]
    assert [unit_of(1, {"unit": unit}) for unit in ("s", "images/s", "")] == ["s", "images/s", ""]
    assert unit_of(1.0, counted) == "layers" and unit_of(True, {}) == ""

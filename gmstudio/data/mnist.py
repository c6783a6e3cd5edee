"""MNIST, a balanced subset that comes with the program."""

from typing import ClassVar

from gmstudio.data.shipped import Shipped


class Mnist(Shipped):
    """Handwritten digits of 28×28 pixels.

    Training and validation images are from the official training part, test images from the official test part.

    Source: Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits, 1998; CC BY-SA 3.0.
    """

    name: ClassVar[str] = "mnist"
    title: ClassVar[str] = "MNIST subset (8,000 images, 28×28)"
    summary: ClassVar[str] = (
        "8,000 handwritten digits of MNIST, 28×28 pixels, balanced by class: 6,000 to train on, 1,000 to validate, "
        "1,000 to test. They come with gmstudio and need no download; figures do not compare with those of all MNIST."
    )

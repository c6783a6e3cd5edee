"""Fashion-MNIST, a balanced subset that comes with the program."""

from typing import ClassVar

from gmstudio.data.shipped import Shipped


class FashionMnist(Shipped):
    """Articles of clothing of 28×28 pixels.

    Training and validation images are from the official training part, test images from the official test part.

    Source: H. Xiao, K. Rasul and R. Vollgraf 2017, Fashion-MNIST, arXiv:1708.07747; MIT licence.
    """

    name: ClassVar[str] = "fashion_mnist"
    title: ClassVar[str] = "Fashion-MNIST subset (8,000 images, 28×28)"
    summary: ClassVar[str] = (
        "8,000 articles of clothing of Fashion-MNIST, 28×28 pixels, balanced by class: 6,000 to train on, 1,000 to "
        "validate, 1,000 to test. They come with gmstudio and need no download."
    )

"""Results of papers, by family, for comparison with one's own runs on the same images.

Figures of likelihoods are those of test images. Two sets of images have figures for many families: the fixed binarized
MNIST of 28×28 (Larochelle & Murray 2011) in nats per image, and CIFAR-10 of 32×32 with 256 levels in bits/dim.
"""

from gmstudio.protocol.families import PublishedFigure

Figures = tuple[PublishedFigure, ...]
_BINARIZED, _CIFAR = "binarized MNIST (fixed)", "CIFAR-10"
_MADE = "Germain, Gregor, Murray & Larochelle 2015, arXiv:1502.03509"
_PIXELRNN = "van den Oord, Kalchbrenner & Kavukcuoglu 2016, arXiv:1601.06759"
_CIFAR_CONFIG = {"levels": 256, "size": 32}


def _on_binarized(value: float, source: str, section: str, model: str = "") -> PublishedFigure:
    return PublishedFigure(
        data=_BINARIZED,
        value=value,
        unit="nats",
        source=source,
        section=section,
        model=model,
        compared="binarized_mnist",
    )


def _on_cifar(value: float, source: str, section: str, model: str = "", *, bound: bool = False) -> PublishedFigure:
    return PublishedFigure(
        data=_CIFAR,
        value=value,
        unit="bits/dim",
        source=source,
        section=section,
        model=model,
        relation="≤" if bound else "=",
        compared="cifar10",
        compared_config=_CIFAR_CONFIG,
    )


FVBN: Figures = (_on_binarized(97.45, "Gan, Henao, Carlson & Carin 2015, AISTATS", "MNIST results", "FVSBN"),)
NADE: Figures = (
    _on_binarized(88.33, "Larochelle & Murray 2011, AISTATS", "section 6, as later papers cite it", "500 hidden units"),
)
MADE: Figures = (
    _on_binarized(86.64, _MADE, "MNIST results", "two hidden layers, 32 masks"),
    _on_binarized(88.40, _MADE, "MNIST results", "one hidden layer, one mask"),
)
PIXELCNN: Figures = (_on_binarized(81.30, _PIXELRNN, "table 4"), _on_cifar(3.14, _PIXELRNN, "table 5"))
ROW_LSTM: Figures = (_on_binarized(80.54, _PIXELRNN, "table 4"), _on_cifar(3.07, _PIXELRNN, "table 5"))
DIAGONAL_BILSTM: Figures = (
    _on_binarized(79.20, _PIXELRNN, "table 4", "seven layers"),
    _on_cifar(3.00, _PIXELRNN, "table 5"),
)
GATED_PIXELCNN: Figures = (_on_cifar(3.03, "van den Oord et al. 2016, arXiv:1606.05328", "table 1"),)
REALNVP: Figures = (
    _on_cifar(3.49, "Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803", "table 1", bound=True),
    PublishedFigure(
        data="MNIST, 256 levels",
        value=1.06,
        unit="bits/dim",
        source="Grathwohl et al. 2019, arXiv:1810.01367",
        section="table 2",
        model="as trained by others",
        relation="≤",
    ),
)
VAE: Figures = (
    PublishedFigure(
        data="MNIST, stochastic binarization",
        value=86.76,
        unit="nats",
        source="Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519",
        section="table 1",
        model="one stochastic layer, k = 1, estimated with 5,000 importance samples",
        relation="≈",
    ),
)
DDPM: Figures = (
    _on_cifar(3.75, "Ho, Jain & Abbeel 2020, arXiv:2006.11239", "table 1", "simple objective", bound=True),
    _on_cifar(3.70, "Ho, Jain & Abbeel 2020, arXiv:2006.11239", "table 1", "variational bound", bound=True),
)
RBM: Figures = (
    PublishedFigure(
        data=_BINARIZED,
        value=86.34,
        unit="nats",
        source="Salakhutdinov & Murray 2008, ICML",
        section="table 1",
        model="500 hidden units, CD-25, log Z by annealed importance sampling",
        relation="≈",
        compared="binarized_mnist",
    ),
)
_PARZEN = "log-likelihood under a Parzen window of the samples, densities on [0, 1]; higher is better"
GSN: Figures = (
    PublishedFigure(
        data="MNIST",
        value=214.0,
        unit="nats (Parzen)",
        source="Bengio, Laufer, Alain & Yosinski 2014, arXiv:1306.1091",
        section="table 1",
        model=_PARZEN,
        relation="≈",
    ),
)
GAN: Figures = (
    PublishedFigure(
        data="MNIST",
        value=225.0,
        unit="nats (Parzen)",
        source="Goodfellow et al. 2014, arXiv:1406.2661",
        section="table 1",
        model=_PARZEN,
        relation="≈",
    ),
)

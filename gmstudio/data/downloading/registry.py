"""Data sets that can be downloaded: their files, mirrors, hashes and licences.

Source of sizes and hashes: TensorFlow Datasets' lists of checksums.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from gmstudio.data.dataset import DataError
from gmstudio.data.downloading.quickdraw import CLASSES


@dataclass(frozen=True)
class RemoteFile:
    """A file of a data set.

    Args:
        name: on the disk.
        size: bytes.
        sha256: in hexadecimal digits.
        urls: mirrors, tried in turn.
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


@dataclass(frozen=True)
class RemoteSet:
    """A data set that can be downloaded.

    Args:
        name: key in ``SETS``.
        title: display name.
        summary: description of the images, one sentence.
        files: what is downloaded.
        licence: terms, one sentence.
        licence_url: where they are written.
        citation: paper that the authors ask to cite.
        opens: what is imported of the files: their folder, or the only file.
        members: endings of the entries that are unpacked from an archive of several sets; empty: it is left packed.
        settings: settings of the import that the files need.
        by_class: each file is a class, and some are chosen.
    """

    name: str
    title: str
    summary: str
    files: tuple[RemoteFile, ...]
    licence: str
    licence_url: str
    citation: str
    opens: Literal["folder", "file"] = "folder"
    members: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    by_class: bool = False

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def find_remote(name: str, sets: Mapping[str, RemoteSet] | None = None) -> RemoteSet:
    """Return the set of a name, as in ``SETS`` or as people write it: ``Fashion_MNIST``.

    Raises:
        DataError: when there is none.
    """
    known = SETS if sets is None else sets
    wanted = name.strip().lower().replace("_", "-").replace(" ", "-")
    for key, remote in known.items():
        if wanted in (key, key.replace("-", ""), remote.title.lower().replace(" ", "-")):
            return remote
    raise DataError(f"There is no data set {name!r} to download; there are {', '.join(known)}. Choose one of them.")


def chosen_files(remote: RemoteSet, classes: Sequence[str]) -> tuple[RemoteFile, ...]:
    """Return the files of the chosen classes; all files of a set that is not split by class.

    Raises:
        DataError: when a class is unknown, or none is chosen where some must be.
    """
    if not remote.by_class:
        if classes:
            raise DataError(
                f"{remote.title} is downloaded whole. Leave the classes out, and choose them when training."
            )
        return remote.files
    files = {file.name.removesuffix(".npy"): file for file in remote.files}
    wanted = [name.strip().lower() for name in classes if name.strip()]
    unknown = next((name for name in wanted if name not in files), None)
    if unknown is not None or not wanted:
        said = f"{remote.title} has no class {unknown!r}" if unknown else f"{remote.title} is downloaded class by class"
        raise DataError(f"{said}. Choose some of {', '.join(files)}.")
    return tuple(files[name] for name in dict.fromkeys(wanted))


def _idx_files(bases: tuple[str, ...], hashes: Mapping[str, tuple[int, str]]) -> tuple[RemoteFile, ...]:
    return tuple(
        RemoteFile(name, size, sha256, tuple(base + name for base in bases)) for name, (size, sha256) in hashes.items()
    )


_MNIST = RemoteSet(
    name="mnist",
    title="MNIST",
    summary="70,000 handwritten digits, 28×28 grey pixels, 10 classes.",
    files=_idx_files(
        (
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "http://yann.lecun.com/exdb/mnist/",
        ),
        {
            "train-images-idx3-ubyte.gz": (
                9912422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            "train-labels-idx1-ubyte.gz": (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            "t10k-images-idx3-ubyte.gz": (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            "t10k-labels-idx1-ubyte.gz": (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        },
    ),
    licence="CC BY-SA 3.0, © Yann LeCun and Corinna Cortes; derived from NIST's data.",
    licence_url="https://creativecommons.org/licenses/by-sa/3.0/",
    citation="Y. LeCun et al., Gradient-based learning applied to document recognition, Proc. IEEE 86, 1998",
)
_FASHION = RemoteSet(
    name="fashion-mnist",
    title="Fashion-MNIST",
    summary="70,000 pictures of clothes, 28×28 grey pixels, 10 classes.",
    files=_idx_files(
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        {
            "train-images-idx3-ubyte.gz": (
                26421880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            "train-labels-idx1-ubyte.gz": (29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            "t10k-images-idx3-ubyte.gz": (4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            "t10k-labels-idx1-ubyte.gz": (5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        },
    ),
    licence="MIT licence, © 2017 Zalando SE.",
    licence_url="https://github.com/zalandoresearch/fashion-mnist/blob/master/LICENSE",
    citation="H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST, arXiv 1708.07747, 2017",
)
_KMNIST = RemoteSet(
    name="kmnist",
    title="KMNIST",
    summary="70,000 cursive Japanese characters, 28×28 grey pixels, 10 classes.",
    files=_idx_files(
        ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/", "https://codh.rois.ac.jp/kmnist/dataset/kmnist/"),
        {
            "train-images-idx3-ubyte.gz": (
                18165135,
                "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            ),
            "train-labels-idx1-ubyte.gz": (29497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
            "t10k-images-idx3-ubyte.gz": (3041136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
            "t10k-labels-idx1-ubyte.gz": (5120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
        },
    ),
    licence="CC BY-SA 4.0, “KMNIST Dataset” (created by CODH), adapted from “Kuzushiji Dataset” (created by NIJL and "
    "others), doi:10.20676/00000341.",
    licence_url="https://creativecommons.org/licenses/by-sa/4.0/",
    citation="T. Clanuwat et al., Deep Learning for Classical Japanese Literature, arXiv 1812.01718, 2018",
)
_EMNIST = RemoteSet(
    name="emnist-letters",
    title="EMNIST letters",
    summary="145,600 handwritten letters, 28×28 grey pixels, 26 classes; the archive holds all of EMNIST.",
    files=(
        RemoteFile(
            "gzip.zip",
            561753746,
            "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
            (
                "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
                "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
            ),
        ),
    ),
    licence="No licence is stated; published by NIST, whose works are in the public domain in the United States.",
    licence_url="https://www.nist.gov/itl/products-and-services/emnist-dataset",
    citation="G. Cohen et al., EMNIST: an extension of MNIST to handwritten letters, arXiv 1702.05373, 2017",
    members=(
        "emnist-letters-train-images-idx3-ubyte.gz",
        "emnist-letters-train-labels-idx1-ubyte.gz",
        "emnist-letters-test-images-idx3-ubyte.gz",
        "emnist-letters-test-labels-idx1-ubyte.gz",
    ),
)
_CIFAR10 = RemoteSet(
    name="cifar10",
    title="CIFAR-10",
    summary="60,000 colour photographs, 32×32 pixels, 10 classes.",
    files=(
        RemoteFile(
            "cifar-10-binary.tar.gz",
            170052171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            (
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                "http://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            ),
        ),
    ),
    licence="No licence is stated; the authors ask to cite the report.",
    licence_url="https://www.cs.toronto.edu/~kriz/cifar.html",
    citation="A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
    opens="file",
)


def _omniglot(name: str, title: str, summary: str, file: str, size: int, sha256: str) -> RemoteSet:
    place = f"brendenlake/omniglot/{{}}master/python/{file}"
    urls = (
        "https://github.com/" + place.format("raw/"),
        "https://raw.githubusercontent.com/" + place.format(""),
    )
    return RemoteSet(
        name=name,
        title=title,
        summary=summary,
        files=(RemoteFile(file, size, sha256, urls),),
        licence="MIT licence, © 2015 Brenden Lake.",
        licence_url="https://github.com/brendenlake/omniglot/blob/master/LICENSE",
        citation="B. Lake, R. Salakhutdinov, J. Tenenbaum, Human-level concept learning …, Science 350, 2015",
        opens="file",
    )


_OMNIGLOT = _omniglot(
    "omniglot",
    "Omniglot",
    "19,280 drawings of the 964 characters of 30 alphabets (background set), 105×105 black and white pixels.",
    "images_background.zip",
    9464212,
    "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640",
)
_OMNIGLOT_EVALUATION = _omniglot(
    "omniglot-evaluation",
    "Omniglot (evaluation)",
    "13,180 drawings of the 659 characters of 20 other alphabets, 105×105 black and white pixels.",
    "images_evaluation.zip",
    6462886,
    "1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee",
)
_QUICKDRAW = RemoteSet(
    name="quickdraw",
    title="Quick, Draw!",
    summary="Sketches, 28×28 grey pixels, more than 100,000 a class; some classes are chosen.",
    files=tuple(
        RemoteFile(
            f"{name}.npy",
            size,
            sha256,
            (f"https://storage.googleapis.com/quickdraw_dataset/full/numpy_bitmap/{quote(name)}.npy",),
        )
        for name, (size, sha256) in CLASSES.items()
    ),
    licence="CC BY 4.0, © Google LLC.",
    licence_url="https://github.com/googlecreativelab/quickdraw-dataset#license",
    citation="J. Jongejan et al., The Quick, Draw! experiment, Google, 2016",
    by_class=True,
)
SETS: dict[str, RemoteSet] = {
    remote.name: remote
    for remote in (
        _MNIST,
        _FASHION,
        _EMNIST,
        _KMNIST,
        _CIFAR10,
        _OMNIGLOT,
        _OMNIGLOT_EVALUATION,
        _QUICKDRAW,
    )
}
"""Name → set."""

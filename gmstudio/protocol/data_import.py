"""Messages about imported data sets: the list of them, previews of files to be imported, and imports."""

from typing import Any, ClassVar, Literal

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.images import ImageSpec

Content = Literal["images", "sequences", "points"]
CONTENT_TITLES: dict[Content, str] = {"images": "images", "sequences": "sequences", "points": "points"}


class DataSetInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An imported data set, for lists.

    Args:
        folder: its place, by which the source ``images`` loads it.
        name: given by the user, or that of the files.
        size: number of images.
        image: shape of the images, as stored with 256 levels.
        content: what the images are.
        num_classes: labels; 0: the images have none.
        split_sizes: images of each split; empty where the files name none.
        source: path of the files that were imported.
        bytes: size on the disk.
        date: of the import, UTC, ISO 8601.
    """

    folder: str
    name: str
    size: int
    image: ImageSpec
    content: Content = "images"
    num_classes: int = 0
    split_sizes: dict[SplitName, int] = {}
    source: str = ""
    bytes: int = 0
    date: str = ""


class DataSetDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the import of a data set.

    Args:
        sha256: of images, labels and splits, in hexadecimal digits.
        settings: of the import.
        guesses: what was guessed, a sentence each.
        remarks: other sentences on the import.
        num_bad: files that were left out.
        bad: name and reason of the first of them.
        duplicates: names of two files with the same image, examples.
        num_duplicates: images that are identical to an earlier one.
        num_between_splits: images that are identical to one of another split of the files.
        num_dropped: duplicates that were left out.
    """

    sha256: str
    settings: dict[str, Any]
    guesses: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    num_bad: int = 0
    bad: tuple[tuple[str, str], ...] = ()
    duplicates: tuple[tuple[str, str], ...] = ()
    num_duplicates: int = 0
    num_between_splits: int = 0
    num_dropped: int = 0


class ImportGuess(msgspec.Struct, frozen=True, kw_only=True):
    """A choice that was made for the user.

    Args:
        setting: field that decides instead.
        text: what was taken, and why, one sentence.
    """

    setting: str
    text: str


class PreviewedImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image of files to be imported, as it is.

    Args:
        name: of its file, or its place in an array.
        label: its class; None: it has none.
        rows: height in pixels; 0: it cannot be decoded.
        columns: width in pixels.
        raw: (H, W, C) uint8, made smaller where it is large; C is 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA);
            None where it cannot be decoded.
        problem: why it cannot be decoded, a sentence; empty otherwise.
    """

    name: str
    label: int | None = None
    rows: int = 0
    columns: int = 0
    raw: Array | None = None
    problem: str = ""


class RemoteDataSet(msgspec.Struct, frozen=True, kw_only=True):
    """A data set that can be downloaded.

    Args:
        name: its key.
        title: display name.
        summary: description of the images, one sentence.
        licence: terms, one sentence.
        licence_url: where they are written.
        citation: paper that the authors ask to cite.
        bytes: of the download; of sets by class, of all their classes.
        there: bytes of it that are on the disk already.
        classes: classes to choose from; empty: the set is downloaded as a whole.
        servers: hosts that are tried in turn.
    """

    name: str
    title: str
    summary: str
    licence: str
    licence_url: str
    citation: str
    bytes: int
    there: int = 0
    classes: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()


# ---- commands ----------------------------------------------------------------------------------------------------


class ListDataSets(Command, frozen=True, kw_only=True):
    """List the imported data sets; answered with ``DataSetsListed``."""

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...]] = ()


class DescribeDataSet(Command, frozen=True, kw_only=True):
    """Open an imported data set; answered with ``DataSetDescribed``.

    Args:
        folder: its place.
    """

    folder: str


class RenameDataSet(Command, frozen=True, kw_only=True):
    """Give an imported data set another name; answered with ``DataSetDescribed``.

    Args:
        folder: its place, which stays.
        name: the new name; empty: that of the files.
    """

    folder: str
    name: str


class TrashDataSet(Command, frozen=True, kw_only=True):
    """Move an imported data set to the trash; answered with ``DataSetTrashed``.

    Args:
        folder: its place.
    """

    folder: str


class RestoreDataSet(Command, frozen=True, kw_only=True):
    """Move an imported data set back from the trash; answered with ``DataSetDescribed``.

    Args:
        place: where it is in the trash.
        folder: where it was.
    """

    place: str
    folder: str


class ListDownloads(Command, frozen=True, kw_only=True):
    """List the data sets that can be downloaded; answered with ``DownloadsListed``."""

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...]] = ()


class DownloadData(Command, frozen=True, kw_only=True):
    """Download a data set, whose licence the user has accepted, and import it.

    Answered with ``DownloadProgressed``, then ``ImportProgressed``, and last with ``DataSetDescribed``. Cancelled, it
    keeps the part that has arrived, from which the next download continues.

    Args:
        name: its key.
        classes: classes to download, of a set whose files are classes.
    """

    background: ClassVar[bool] = True

    name: str
    classes: tuple[str, ...] = ()


class PreviewImport(Command, frozen=True, kw_only=True):
    """Open files of images and show some of them as they are and as a model will see them.

    Answered with ``ImportProgressed`` while they are listed, then with ``ImportPreviewed``; with ``DataSetDescribed``
    where the path is that of an imported set.

    Args:
        path: folder, archive or file.
        settings: of the source ``images``, as plain values; those that are missing have their default.
        page: number of the page, from 0; a page is a sample of the whole set.
        count: images of a page.
        refresh: list the files again, which may have changed.
    """

    superseded_within: ClassVar[tuple[str, ...]] = ()

    path: str
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    page: int = 0
    count: int = 12
    refresh: bool = False


class ImportData(Command, frozen=True, kw_only=True):
    """Import files of images; answered with ``ImportProgressed``, and last with ``DataSetDescribed``.

    Cancelled, it leaves nothing behind.

    Args:
        path: folder, archive or file.
        settings: see ``PreviewImport``.
        name: of the data set; empty: that of the files.
    """

    background: ClassVar[bool] = True

    path: str
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    name: str = ""


# ---- events ------------------------------------------------------------------------------------------------------


class DataSetsListed(Event, frozen=True, kw_only=True):
    """The imported data sets, the newest first.

    Args:
        home: folder of the data sets.
        sets: those that can be used.
        problems: those that cannot, a sentence each.
    """

    home: str
    sets: tuple[DataSetInfo, ...]
    problems: tuple[str, ...] = ()


class DataSetDescribed(Event, frozen=True, kw_only=True):
    """An imported data set, new, renamed, restored or opened."""

    info: DataSetInfo
    details: DataSetDetails


class DataSetTrashed(Event, frozen=True, kw_only=True):
    """An imported data set was moved to the trash.

    Args:
        folder: where it was.
        place: where it is now.
    """

    folder: str
    place: str


class ImportProgressed(Event, frozen=True, kw_only=True):
    """Progress of a preview or an import.

    Args:
        stage: what is done now, for example ``Decoding images``.
        done: images or files so far.
        total: their number; 0: unknown.
        bad: images that could not be decoded so far.
        rate: images or files per second; 0: unknown.
        seconds_left: of this stage; negative: unknown.
    """

    stage: str
    done: int
    total: int = 0
    bad: int = 0
    rate: float = 0.0
    seconds_left: float = -1.0

    def ends_request(self) -> bool:
        """Further progress or the result follows."""
        return False


class DownloadsListed(Event, frozen=True, kw_only=True):
    """The data sets that can be downloaded.

    Args:
        home: folder of the downloaded files.
        sets: in the order of the list.
    """

    home: str
    sets: tuple[RemoteDataSet, ...]


class DownloadProgressed(Event, frozen=True, kw_only=True):
    """Progress of a download.

    Args:
        name: key of the data set.
        stage: what is done now, for example ``Downloading``.
        file: name of the file.
        done: bytes that are there, of all files.
        total: bytes of all files.
        rate: bytes per second; 0: unknown.
        seconds_left: negative: unknown.
        server: host that is read; empty: none.
        remark: why the last attempt failed; empty where it did not.
    """

    name: str
    stage: str
    file: str
    done: int
    total: int
    rate: float = 0.0
    seconds_left: float = -1.0
    server: str = ""
    remark: str = ""

    def ends_request(self) -> bool:
        """The import follows."""
        return False


class ImportPreviewed(Event, frozen=True, kw_only=True):
    """A page of images of files to be imported.

    Args:
        path: path of the files, absolute.
        title: short name.
        content: what the images are.
        size: number of images, bad ones included.
        page: number of the page.
        pages: number of pages.
        image: shape and levels of the images as a model will see them.
        shown: images of the page as they are.
        images: (N, C, H, W) uint8 levels, as a model will see them; zeros where one cannot be decoded.
        label_names: label → name; empty where the names are the numbers themselves.
        labels: label → number of images; empty where nothing names classes.
        split_sizes: images of each split; empty where the files name none.
        guesses: choices that were made for the user.
        remarks: what users should know beside the guesses, sentences.
    """

    path: str
    title: str
    content: Content
    size: int
    page: int
    pages: int
    image: ImageSpec
    shown: tuple[PreviewedImage, ...]
    images: Array
    label_names: tuple[str, ...] = ()
    labels: dict[int, int] = msgspec.field(default_factory=dict)
    split_sizes: dict[SplitName, int] = msgspec.field(default_factory=dict)
    guesses: tuple[ImportGuess, ...] = ()
    remarks: tuple[str, ...] = ()

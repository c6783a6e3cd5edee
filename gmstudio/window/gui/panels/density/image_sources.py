"""Sources of images as the entries of a combo box, each with a key."""

from typing import Literal

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox

from gmstudio.protocol.image_sets import DataImages, FolderImages, GivenImages, ImageSet
from gmstudio.window.state.data.settings_split import FOLDER, IMAGES, POINTS
from gmstudio.window.state.runs.library import RunLibrary

Slot = Literal["images", "against"]
NONE, OWN, DATA, SET, FILES, GIVEN = "none", "own", "data:", "set:", "folder", "given"
"""Keys; those of data sets and imported sets begin with ``DATA`` and ``SET``."""
OWN_TITLES: dict[Slot, str] = {"images": "The model's own data", "against": "Held-out classes of its own data"}


def key_of(images: ImageSet | None, library: RunLibrary) -> str:
    """Return the key of the source of a set."""
    match images:
        case None:
            return NONE
        case FolderImages():
            return FILES
        case GivenImages():
            return GIVEN
        case DataImages(data="", run=""):
            return OWN
        case DataImages(data=name, data_config=config):
            folder = str(config.get(FOLDER, ""))
            known = name == IMAGES and library.data_sets.info(folder) is not None
            return f"{SET}{folder}" if known else f"{DATA}{name}"


def set_of(key: str, count: int) -> ImageSet | None:
    """Return the first ``count`` images of a source; None: of none, or of files, which are to be chosen first."""
    if key == OWN:
        return DataImages(count=count)
    if key.startswith(DATA):
        return DataImages(data=key.removeprefix(DATA), count=count)
    if key.startswith(SET):
        return DataImages(data=IMAGES, data_config={FOLDER: key.removeprefix(SET)}, count=count)
    return None


def fill_sources(combo: QComboBox, slot: Slot, run: str, library: RunLibrary) -> None:
    """Fill a combo box with the sources that there are.

    Args:
        combo: the combo box.
        slot: what they are for.
        run: path of the first model; only one of points is offered points.
        library: catalog and imported sets.
    """
    info = library.info(run)
    points = info is not None and info.image.height == 1 and info.image.width <= 2
    with QSignalBlocker(combo):
        combo.clear()
        if slot == "against":
            combo.addItem("None", NONE)
        combo.addItem(OWN_TITLES[slot], OWN)
        for entry in library.catalog.data if library.catalog else ():
            if entry.name != IMAGES and (points or entry.name != POINTS):
                combo.addItem(entry.title, f"{DATA}{entry.name}")
                combo.setItemData(combo.count() - 1, entry.summary, Qt.ItemDataRole.ToolTipRole)
        for known in library.data_sets.sets:
            combo.addItem(known.name, f"{SET}{known.folder}")
        combo.addItem("Folder or file …", FILES)
        combo.addItem("Drawn or pasted", GIVEN)

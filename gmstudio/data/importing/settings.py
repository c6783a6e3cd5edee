"""Settings of an import: how files are understood, and what becomes of their images.

Each field is described once, for ``ReadSettings``, ``ImportSettings`` and the settings of the source ``images``.
"""

from typing import Annotated, Literal

from msgspec import Struct

from gmstudio.protocol.config import field
from gmstudio.protocol.images import MAX_SIDE

Axes = Literal["auto", "channels_last", "channels_first", "none"]
ValueRange = Literal["auto", "unit", "byte", "stretch"]
Orientation = Literal["auto", "keep", "transpose"]
LabelColumn = Literal["auto", "none", "first", "last"]
Content = Literal["auto", "images", "sequences", "points"]
BadFiles = Literal["skip", "refuse"]
Fit = Literal["crop", "pad", "stretch"]
Colour = Literal["auto", "grey", "rgb"]
Ground = Literal["auto", "black", "white"]
Duplicates = Literal["keep", "drop"]

VariantField = Annotated[
    str,
    field(
        "Subset name",
        "Set or array to load, where the files hold several: emnist-letters, x_train …; empty: the first.",
        advanced=True,
    ),
]
AxesField = Annotated[
    Axes,
    field(
        "Axis order",
        "Order of the axes of an array of images.",
        labels={
            "auto": "automatic",
            "channels_last": "images, rows, columns, channels",
            "channels_first": "images, channels, rows, columns",
            "none": "images, rows, columns (grey)",
        },
        advanced=True,
    ),
]
ValueRangeField = Annotated[
    ValueRange,
    field(
        "Value range",
        "Values that become black and white, where they are not 8-bit integers.",
        labels={"auto": "automatic", "unit": "0 to 1", "byte": "0 to 255", "stretch": "minimum to maximum"},
        advanced=True,
    ),
]
OrientationField = Annotated[
    Orientation,
    field(
        "Orientation",
        "Automatic: photographs are turned as their EXIF data say, and EMNIST's images are transposed.",
        labels={"auto": "automatic", "keep": "as stored", "transpose": "transpose rows and columns"},
        advanced=True,
    ),
]
LabelColumnField = Annotated[
    LabelColumn,
    field(
        "Labels",
        "Column of a table that holds the labels, or level of the subfolders that are classes; automatic: a first "
        "or last column that looks like labels, and all levels.",
        labels={"auto": "automatic", "none": "none", "first": "first", "last": "last"},
        advanced=True,
    ),
]
ContentField = Annotated[
    Content,
    field(
        "Content",
        "What the rows of a table are: pixels of images, values of a time series, or coordinates of points.",
        labels={"auto": "automatic"},
        advanced=True,
    ),
]
WindowField = Annotated[
    int,
    field(
        "Window length",
        "Sequences: a single column of values is cut into windows of this length, one after the other.",
        ge=2,
        le=MAX_SIDE,
        unit="values",
        advanced=True,
    ),
]
BadFilesField = Annotated[
    BadFiles,
    field(
        "Bad files",
        "Files that cannot be decoded: leave them out and list them, or refuse the whole set.",
        labels={"skip": "skip and list", "refuse": "refuse the set"},
        advanced=True,
    ),
]
HeightField = Annotated[
    int,
    field(
        "Resize to height",
        "Rows of the images, made by averaging over areas; 0: the most common height, at most 64.",
        ge=0,
        le=MAX_SIDE,
        unit="pixels",
    ),
]
WidthField = Annotated[
    int,
    field(
        "Resize to width",
        "Columns of the images; 0: in proportion to the height, as in the most common size.",
        ge=0,
        le=MAX_SIDE,
        unit="pixels",
    ),
]
FitField = Annotated[
    Fit,
    field(
        "Other aspect ratios",
        "Images of another aspect ratio: center-crop them, pad them in the colour of their edge, or stretch them.",
        labels={"crop": "center crop", "pad": "pad", "stretch": "stretch"},
    ),
]
ColourField = Annotated[
    Colour,
    field(
        "Colour",
        "Grey or RGB; automatic: RGB where images have colours.",
        labels={"auto": "automatic", "grey": "grey", "rgb": "RGB"},
    ),
]
GroundField = Annotated[
    Ground,
    field(
        "Background",
        "What transparent parts are laid on; automatic: as the edges of the others, or so that the ink shows.",
        labels={"auto": "automatic", "black": "black", "white": "white"},
        advanced=True,
    ),
]
DuplicatesField = Annotated[
    Duplicates,
    field(
        "Duplicates",
        "Identical images: keep all, or one of each, that of the test split before validation and training.",
        labels={"keep": "keep", "drop": "drop"},
        advanced=True,
    ),
]


class ReadSettings(Struct, frozen=True, kw_only=True):
    """How files are understood; ``auto`` is a guess, which is reported."""

    variant: VariantField = ""
    axes: AxesField = "auto"
    value_range: ValueRangeField = "auto"
    orientation: OrientationField = "auto"
    label_column: LabelColumnField = "auto"
    content: ContentField = "auto"
    window: WindowField = 32
    bad_files: BadFilesField = "skip"


class ImportSettings(ReadSettings, frozen=True, kw_only=True):
    """How files are understood, and the size and colours that their images get."""

    size: HeightField = 0
    width: WidthField = 0
    fit: FitField = "crop"
    colour: ColourField = "auto"
    ground: GroundField = "auto"
    duplicates: DuplicatesField = "keep"

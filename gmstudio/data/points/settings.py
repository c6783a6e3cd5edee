"""Settings of the source ``points``."""

from typing import Annotated, Literal

from msgspec import Struct

from gmstudio.protocol.config import field

Shape = Literal[
    "moons",
    "ring",
    "pinwheel",
    "swiss_roll",
    "checkerboard",
    "grid",
    "spirals",
    "mixture_2d",
    "mixture_1d",
    "drawn",
    "picture",
    "csv",
]
SHAPES: dict[Shape, str] = {
    "moons": "two moons",
    "ring": "ring",
    "pinwheel": "pinwheel",
    "swiss_roll": "Swiss roll",
    "checkerboard": "checkerboard",
    "grid": "grid of Gaussians",
    "spirals": "two spirals",
    "mixture_2d": "mixture of Gaussians (2-D)",
    "mixture_1d": "mixture of Gaussians (1-D)",
    "drawn": "drawn by hand",
    "picture": "picture as density",
    "csv": "CSV",
}
"""Value of the setting ``shape`` → display text."""
CURVES = ("moons", "ring", "pinwheel", "swiss_roll", "checkerboard", "grid", "spirals")
"""Shapes that are blurred by ``noise``."""
MAX_POINTS = 1_000_000


class PointsConfig(Struct, frozen=True, kw_only=True):
    """Distribution of the points, their number and their grid."""

    shape: Annotated[Shape, field("Shape", "Distribution that the points are drawn from.", labels=SHAPES)] = "moons"
    num_points: Annotated[
        int,
        field("Training points", "Points to train on; of a CSV file, at most.", ge=1, le=MAX_POINTS, log=True),
    ] = 10_000
    noise: (
        Annotated[
            float,
            field(
                "Noise",
                "Standard deviation of the Gaussian noise around curves, centres and squares, in units of the axes; "
                "empty: the usual one of the shape.",
                ge=0,
                le=4,
                when={"shape": CURVES},
            ),
        ]
        | None
    ) = None
    components_2d: Annotated[
        str,
        field(
            "Components",
            "Weight, two means and two standard deviations of each Gaussian; components are separated by semicolons.",
            when={"shape": "mixture_2d"},
        ),
    ] = "0.5 -1.5 -1 0.8 0.5; 0.3 1.5 1.5 0.4 0.9; 0.2 1 -2 0.5 0.4"
    components_1d: Annotated[
        str,
        field(
            "Components",
            "Weight, mean and standard deviation of each Gaussian; components are separated by semicolons.",
            when={"shape": "mixture_1d"},
        ),
    ] = "0.3 -2 0.4; 0.7 1 0.9"
    strokes: Annotated[
        str,
        field(
            "Strokes",
            "The drawing, as text: strokes are separated by semicolons, each a radius and points x,y in thousandths of "
            "the side, from the lower left corner; a stroke after a minus sign erases.",
            when={"shape": "drawn"},
        ),
    ] = ""
    path: Annotated[
        str,
        field("File", "Picture or table of points (CSV).", files=True, when={"shape": ("picture", "csv")}),
    ] = ""
    likely: Annotated[
        Literal["dark", "bright"],
        field(
            "Likely pixels",
            "Pixels of the picture in which points are likely.",
            labels={"dark": "dark ones", "bright": "bright ones"},
            when={"shape": "picture"},
        ),
    ] = "dark"
    columns: Annotated[
        str,
        field(
            "Columns",
            "One or two columns of the table, by name or number, separated by a comma; empty: the first two that hold "
            "numbers.",
            when={"shape": "csv"},
        ),
    ] = ""
    label_column: Annotated[
        str,
        field(
            "Label column",
            "Column of the table that holds the classes, by name or number; empty: none.",
            when={"shape": "csv"},
        ),
    ] = ""
    levels: Annotated[
        Literal[64, 128, 256],
        field("Quantization levels (per axis)", "Cells of the grid along each axis."),
    ] = 64
    num_valid: Annotated[
        int,
        field(
            "Validation points",
            "Points to validate on; of a CSV file, at most a tenth of its rows.",
            ge=1,
            le=MAX_POINTS,
            log=True,
            advanced=True,
        ),
    ] = 2000
    num_test: Annotated[
        int,
        field(
            "Test points",
            "Points to test on; of a CSV file, at most a tenth of its rows.",
            ge=1,
            le=MAX_POINTS,
            log=True,
            advanced=True,
        ),
    ] = 2000
    seed: Annotated[
        int,
        field(
            "Seed of the points", "Of the draw of the points, and of their order.", ge=0, le=2**32 - 1, advanced=True
        ),
    ] = 0

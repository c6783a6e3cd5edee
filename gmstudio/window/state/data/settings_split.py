"""Settings of the source ``images``, by what they decide: how files are read and fitted, or what is taken of a set."""

from typing import Any

from gmstudio.protocol.engine import Catalog

IMAGES = "images"
"""Key of the source of imported sets."""
POINTS = "points"
"""Key of the source of points."""
FOLDER = "folder"
READING = (
    "size",
    "width",
    "fit",
    "colour",
    "ground",
    "duplicates",
    "variant",
    "axes",
    "value_range",
    "orientation",
    "label_column",
    "content",
    "bad_files",
)
"""Settings of an import, without effect on a set that is imported."""
AT_THE_PLANE = ("shape", "strokes")
"""Settings of points that have controls of their own."""
PREVIEWED = ("levels", "binarize", "threshold", "invert")
"""Settings of a set that change how its images look."""


def images_schema(catalog: Catalog | None) -> dict[str, Any]:
    """Schema of the source ``images``; an empty one where the engine has none."""
    sources = catalog.data if catalog is not None else ()
    return next((entry.config_schema for entry in sources if entry.name == IMAGES), {"properties": {}})


def import_schema(catalog: Catalog | None) -> dict[str, Any]:
    """Schema of the settings that a preview shows: those of an import, and those that change how images look."""
    return _only(images_schema(catalog), lambda name: name in READING or name in PREVIEWED)


def set_schema(catalog: Catalog | None) -> dict[str, Any]:
    """Schema of the settings of a set that is imported."""
    return without_reading(images_schema(catalog))


def without_reading(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave the settings of an import, and the folder, out of a schema of the source ``images``."""
    return _only(schema, lambda name: name not in READING and name != FOLDER)


def without_drawn(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave what is set at the plane itself, the shape and the drawing, out of the schema of the source ``points``."""
    return _only(schema, lambda name: name not in AT_THE_PLANE)


def _only(schema: dict[str, Any], keeps: Any) -> dict[str, Any]:
    properties = {name: prop for name, prop in schema["properties"].items() if keeps(name)}
    return {**schema, "properties": properties}

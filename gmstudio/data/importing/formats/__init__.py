"""Files of arrays and tables as raw sets, one module a format."""

from gmstudio.data.importing.formats.choosing import open_format, read_format
from gmstudio.data.importing.formats.format_set import Axis, FormatSet

__all__ = ["Axis", "FormatSet", "open_format", "read_format"]

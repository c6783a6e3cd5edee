"""Files of arrays and tables as raw sets, one module a format."""

from gmstudio.data.importing.formats.choosing import READ_TAR, open_format, read_format
from gmstudio.data.importing.formats.format_set import FormatSet

__all__ = ["READ_TAR", "FormatSet", "open_format", "read_format"]

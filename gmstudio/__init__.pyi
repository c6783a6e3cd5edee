"""Types of the names that ``gmstudio`` loads when they are first used."""

from gmstudio.scripting import FAMILIES as FAMILIES
from gmstudio.scripting import ImageSpec as ImageSpec
from gmstudio.scripting import from_hub as from_hub
from gmstudio.scripting import load_data as load_data
from gmstudio.scripting import open_run as open_run

__version__: str
__all__ = ["FAMILIES", "ImageSpec", "__version__", "from_hub", "load_data", "open_run"]

"""Registry of the laboratories: name → class, in the order in which they are offered.

Other packages add labs through the entry-point group ``gmstudio.labs``; each entry point names a ``Lab`` class.
"""

from gmstudio.labs.base import Lab

ENTRY_POINT_GROUP = "gmstudio.labs"

OURS: tuple[type[Lab], ...] = ()
LABS: dict[str, type[Lab]] = {lab.card.name: lab for lab in OURS}

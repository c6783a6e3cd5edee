"""What was measured, kept as one JSON file a part, so that a part that was ended goes on where it was."""

import json
from pathlib import Path
from typing import Any

Result = dict[str, Any]


class Results:
    """Results of the parts on one machine.

    Those of another machine, of other versions or of another effort are not mixed with them: the part begins anew.

    Args:
        folder: of the files; made with the first result.
        machine: device and versions, see ``describe_machine``.
        quick: measured with small models for a moment, which says nothing about the device.
    """

    def __init__(self, folder: Path, machine: dict[str, str], quick: bool) -> None:
        self.folder, self.machine, self.quick = folder, machine, quick

    def of(self, part: str) -> dict[str, Result]:
        """Return the results of a part by the name of the measurement; none where none are kept for this machine.

        Raises:
            ValueError: when the file is damaged.
        """
        path = self._path(part)
        if not path.is_file():
            return {}
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            same = kept["machine"] == self.machine and kept["quick"] == self.quick
            results: dict[str, Result] = kept["results"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is damaged; remove it, and the part is measured anew.") from error
        return results if same else {}

    def keep(self, part: str, name: str, result: Result) -> None:
        """Add a result to the file of its part, which is replaced at once."""
        results = {**self.of(part), name: result}
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {"machine": self.machine, "quick": self.quick, "results": results}
        unfinished = self._path(part).with_suffix(".tmp")
        unfinished.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
        unfinished.replace(self._path(part))

    def forget(self, part: str) -> None:
        """Remove the results of a part."""
        self._path(part).unlink(missing_ok=True)

    def _path(self, part: str) -> Path:
        return self.folder / f"{part}.json"

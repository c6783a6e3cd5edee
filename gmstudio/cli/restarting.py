"""``gmstudio train --resume-or-start``: one command starts a run, and continues it when the same job runs again."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gmstudio.cli.config_file import ConfigFile
from gmstudio.cli.settings import sort_settings
from gmstudio.runs.record import RECORD_NAME, RunRecord, read_record
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    from gmstudio.engine.training.resume import Continuation


def begun_run(out: str) -> Path | None:
    """Return the folder of a run that is there already; None where one is to be started.

    Raises:
        ValueError: without a folder.
    """
    if not out:
        raise ValueError("--resume-or-start needs the run's folder, which must be the same each time: --out RUN.")
    folder = typed_path(out).absolute()
    return folder if (folder / RECORD_NAME).exists() else None


class Restart:
    """Command that started a run, given again.

    Args:
        run: folder of the run.
        file: settings of a file.
        family: as given; empty: the run's.
        data: as given; empty: the run's.
        settings: of ``--set``.
        training: settings of options of their own, such as the number of steps.

    Raises:
        RunError: when the run cannot be read.
        ValueError: when the run is one of another family, of other data or with another seed.
    """

    def __init__(
        self, run: Path, file: ConfigFile, family: str, data: str, settings: list[str], training: dict[str, Any]
    ) -> None:
        self.record = read_record(run)
        self._given = self._values(file, settings, training)
        there = {"family": self.record.family, "data": self.record.data, "seed": self.record.training.seed}
        wanted = {"family": family or file.family, "data": data or file.data, "seed": self._given["training"].seed}
        for name, value in wanted.items():
            if value not in ("", there[name]):
                raise ValueError(f"{run} has the {name} {there[name]}, not {value}. Choose another folder for --out.")

    @property
    def finished(self) -> bool:
        """All steps are made, and no more are wanted."""
        return self.record.status == "finished" and self.record.step >= self._steps

    @property
    def _steps(self) -> int:
        """Steps that are wanted; a run may have been prolonged since the command was written."""
        return max(self.record.training.steps, int(self._given["training"].steps))

    def continuation(self) -> "Continuation":
        """Return the choices for the run that goes on; a decay of the learning rate is stretched to a new end."""
        from gmstudio.engine.training.resume import Continuation

        if self._steps == self.record.training.steps:
            return Continuation()
        return Continuation(self._steps, "" if self.record.training.schedule == "constant" else "stretch")

    def remarks(self) -> tuple[str, ...]:
        """Sentences on settings that are not those of the run, which keeps its own."""
        kept = list(self._differing())
        if not kept:
            return ()
        return (f"The run keeps its settings, which are not all as given: {', '.join(kept)}.",)

    def _differing(self) -> Iterator[str]:
        for part, given in self._given.items():
            there = msgspec.to_builtins(getattr(self.record, part))
            for name, value in msgspec.to_builtins(given).items():
                if there.get(name) != value and (part, name) != ("training", "steps"):
                    yield f"{part}.{name} is {there.get(name)}, not {value}"

    def _values(self, file: ConfigFile, settings: list[str], training: dict[str, Any]) -> dict[str, Any]:
        """Settings of the run as they would be with what is given."""
        from gmstudio.data import SOURCES
        from gmstudio.engine.runtime.building import family_class
        from gmstudio.protocol.config import parse_config
        from gmstudio.protocol.training_settings import Training

        record: RunRecord = self.record
        kinds: dict[str, type[Any]] = {
            "config": family_class(record.family).Config,
            "data_config": SOURCES[record.data].Config,
            "training": Training,
        }
        sorted_settings = sort_settings(settings, kinds["config"], kinds["data_config"])
        values: dict[str, Any] = {}
        for (part, kind), given in zip(kinds.items(), sorted_settings, strict=True):
            there = msgspec.to_builtins(getattr(record, part))
            extra = training if part == "training" else {}
            values[part] = parse_config(kind, {**there, **getattr(file, part), **given, **extra})
        return values

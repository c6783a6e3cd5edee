"""Background models of the likelihood ratio: runs like another one that are trained on noised data.

A background model has the family, settings and data of its run, but each sub-pixel of its training images is replaced
with probability μ by a random level (setting ``mutation``). It is an ordinary run.

Source: Ren et al. 2019, Likelihood Ratios for Out-of-Distribution Detection, arXiv:1906.02845, section 3.
"""

import os
from collections import OrderedDict
from collections.abc import Generator
from pathlib import Path

import msgspec
import torch

from gmstudio.engine.runtime.beside import at_once
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.run_data import load_run_data
from gmstudio.engine.training.job import Send, TrainingJob, start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.protocol.density_background import DEFAULT_MUTATION
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.checkpoints import CheckpointStore
from gmstudio.runs.examples import is_example
from gmstudio.runs.library import new_run_path, run_folders, runs_home
from gmstudio.runs.names import folder_of, name_of
from gmstudio.runs.record import RECORD_NAME, RunError, RunRecord, read_record

_MAX_KEPT = 20_000
_RECORDS: OrderedDict[str, tuple[tuple[int, int, int], RunRecord]] = OrderedDict()
"""Records by the path of their file, with its inode, time of change and size, so that a library is read once."""


def find_background(library: Path, run: Path | str) -> str:
    """Return the name of the newest background model of a run; empty: there is none. See ``search_backgrounds``."""
    return next(iter(find_backgrounds(library, run)), "")


def find_backgrounds(library: Path, run: Path | str) -> tuple[str, ...]:
    """Return the background models of a run, newest first; see ``search_backgrounds``."""
    return at_once(search_backgrounds(library, run))


def search_backgrounds(library: Path, run: Path | str) -> Generator[None, None, tuple[str, ...]]:
    """Search the background models of a run; yields after each run that was looked at.

    Args:
        library: folder of runs, searched besides the folder in which the run lies.
        run: its name, or its folder.

    Returns:
        Names of runs with a checkpoint and ``mutation`` above 0, whose family, config and data are those of the run,
        newest first.

    Raises:
        RunError: when the run, or one of the two folders, cannot be read.
    """
    run = folder_of(run)
    record = read_record(run)
    found: dict[Path, tuple[str, str]] = {}
    looked = {run.resolve()}
    for home in dict.fromkeys((library, run.parent)):
        for folder in _entries(home):
            yield None
            other = _record_of(folder)
            if other is None or not is_background(other, record):
                continue
            place = folder.resolve()
            if place not in looked and any(info.step > 0 for info in CheckpointStore(folder).list()):
                found[place] = (other.created, name_of(folder))
            looked.add(place)
    return tuple(name for _, name in sorted(found.values(), reverse=True))


def is_background(record: RunRecord, of: RunRecord) -> bool:
    """Return whether a run is a background model of another one, by their records."""
    if record.fingerprint is not None and of.fingerprint is not None:
        same_data = record.fingerprint == of.fingerprint
    else:
        same_data = (record.data, record.data_config) == (of.data, of.data_config)
    same_model = (record.family, record.config, record.image) == (of.family, of.config, of.image)
    return record.training.mutation > 0 and same_model and same_data


def background_spec(run: Path | str, mutation: float = DEFAULT_MUTATION) -> RunSpec:
    """Return the settings of a background model of a run: its own, with noised data.

    Args:
        run: its name, or its folder.
        mutation: μ, above 0 and at most 1.

    Raises:
        RunError: when the run cannot be read.
        ValueError: when μ is outside its range.
    """
    if not 0 < mutation <= 1:
        raise ValueError(f"μ = {mutation:g}: a background model needs a rate above 0, at most 1; 0.1 to 0.3 is usual.")
    spec = read_record(folder_of(run)).spec
    return msgspec.structs.replace(spec, training={**spec.training, "mutation": mutation})


def train_background(
    run: Path | str, mutation: float, cache: DatasetCache, device: torch.device, send: Send
) -> TrainingJob:
    """Start the training of a background model, a new run beside its run, or in the library for a ready model.

    Args:
        run: its name, or its folder.
        mutation: μ, above 0 and at most 1.
        cache: source of the data.
        device: to train on.
        send: takes the events.

    Raises:
        RunError: when the run cannot be read, or the new one not written.
        DataUnavailableError: when its data cannot be used any more.
        DataChangedError: when its data have changed.
        ValueError: when μ is outside its range.
    """
    run = folder_of(run)
    spec = background_spec(run, mutation)
    dataset = load_run_data(cache, read_record(run))
    plan = plan_run(cache, msgspec.structs.replace(spec, data_config=dataset.config), device)
    home = runs_home() if is_example(run) else run.absolute().parent
    return start_training(plan, str(new_run_path(home, spec.family)), device, send)


def _entries(home: Path) -> list[Path]:
    """Paths in a folder; none where there is no such folder.

    Raises:
        RunError: when it cannot be read.
    """
    try:
        with os.scandir(home) as entries:
            return [Path(entry.path) for entry in entries]
    except FileNotFoundError:
        return []
    except OSError:
        return run_folders(home)  # says what is wrong


def _record_of(folder: Path) -> RunRecord | None:
    """Return the record of a run, read again where its file has changed; None: there is none, or it is damaged.

    A damaged run is no background model; the list of runs shows what is wrong with it.
    """
    file = folder / RECORD_NAME
    try:
        status = file.stat()
        state = (status.st_ino, status.st_mtime_ns, status.st_size)
        kept = _RECORDS.get(str(file))
        if kept is None or kept[0] != state:
            kept = _RECORDS[str(file)] = (state, read_record(folder))
            while len(_RECORDS) > _MAX_KEPT:
                _RECORDS.popitem(last=False)
    except (OSError, RunError):
        return None
    return kept[1]

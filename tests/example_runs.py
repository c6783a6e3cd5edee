"""Small examples for tests: a run folder with weights alone, in a folder that the environment names."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.checkpoints import CheckpointStore
from gmstudio.runs.description import Description, write_description
from gmstudio.runs.history import History, ImageGrid, Scalar
from gmstudio.runs.record import new_record, write_record

IMAGE = ImageSpec(channels=1, height=8, width=8, levels=16)


def make_example(
    monkeypatch: pytest.MonkeyPatch, folder: Path, family: str = "vae", name: str = "", step: int = 7
) -> Path:
    """Write a finished run without a model's weights into ``folder``, and make this the folder of the examples."""
    monkeypatch.delenv("GMSTUDIO_EXAMPLES", raising=False)
    example = folder / (name or family)
    example.mkdir(parents=True)
    training = {"steps": step, "seed": 0}
    record = new_record(RunSpec(family=family, data="digits", training=training), image=IMAGE, device="cpu")
    with History(example, write=True) as history:
        history.append(
            scalars=[Scalar(step, "valid", "loss", 80.0)],
            images=[ImageGrid(step, "samples", np.zeros((4, 1, 8, 8), np.uint8))],
        )
    CheckpointStore(example).save(step, {"model": {"w": np.ones(3, np.float16)}}, {"step": step})
    write_description(example, Description(name=f"{family} example", note="A note."))
    write_record(example, msgspec.structs.replace(record, status="finished", step=step))
    monkeypatch.setenv("GMSTUDIO_EXAMPLES", str(folder))
    return example


def files_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Names, times and contents of all files below a folder."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def make_read_only(folder: Path) -> None:
    """Take away all rights to write; root keeps them, so that tests compare files too."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)

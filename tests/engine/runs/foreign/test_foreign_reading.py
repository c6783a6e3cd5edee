"""Files of weights of other programs: read without executing anything and without memory that they do not have."""

import io
import json
import pickle
import resource
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from gmstudio.engine.runs.foreign.reading import ForeignWeightsError, PickleWarningError, digest_of, open_weights

ARRAYS = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2, dtype=torch.bfloat16)}


def test_safetensors_are_read_array_by_array(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(ARRAYS, path, metadata={"format": "pt"})
    found = open_weights(path)
    assert dict(found.shapes) == {"a.weight": (2, 3), "a.bias": (2,)}
    assert torch.equal(found.load("a.weight"), ARRAYS["a.weight"]) and found.load("a.bias").dtype == torch.bfloat16
    assert len(digest_of(path)) == 64


@pytest.mark.parametrize("wrapped", [lambda d: d, lambda d: {"state_dict": d, "epoch": 3, "args": {"lr": 0.1}}])
def test_files_of_torch_are_read_once_the_warning_is_accepted(tmp_path: Path, wrapped: Any) -> None:
    path = tmp_path / "weights.pt"
    torch.save(wrapped(ARRAYS), path)
    with pytest.raises(PickleWarningError, match="weights_only=True"):
        open_weights(path)
    found = open_weights(path, accept_pickle=True)
    names = [name.removeprefix("state_dict.") for name in found.shapes]
    assert names == ["a.weight", "a.bias"]
    assert torch.equal(found.load(next(iter(found.shapes))), ARRAYS["a.weight"])
    assert set(found.others) in (set(), {"epoch", "args.lr"})


class Canary:
    """Unpickling it would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, ...]]:
        return exec, (f"open({str(self.path)!r}, 'w').close()",)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_a_malicious_pickle_executes_nothing(tmp_path: Path, suffix: str) -> None:
    path, canary = tmp_path / f"evil{suffix}", tmp_path / "executed"
    torch.save({"state_dict": ARRAYS, "extra": Canary(canary)}, path)
    with pytest.raises(ForeignWeightsError, match="not loaded"):
        open_weights(path, accept_pickle=True)
    path.write_bytes(pickle.dumps(Canary(canary)))  # no archive: not even torch's reader sees it
    with pytest.raises(ForeignWeightsError):
        open_weights(path, accept_pickle=True)
    assert not canary.exists()


def header(content: bytes, size: int | None = None, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(content) if size is None else size) + content + data


def entry(shape: list[int], offsets: list[int], dtype: str = "F32") -> bytes:
    return json.dumps({"w": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1234567",
        header(b"{}", size=2**63),
        header(b"{}", size=2**40),
        header(b"{}"),
        header(b"[1, 2]"),
        header(b"not JSON at all"),
        header(b'{"w": 3}'),
        header(b'{"w":' * 60_000),
        header(entry([10**6, 10**6], [0, 4 * 10**12])),
        header(entry([10**9, 10**9, 10**9], [0, 8]), data=bytes(8)),
        header(entry([-1], [0, 4]), data=bytes(4)),
        header(entry([2], [0, 4]), data=bytes(4)),
        header(entry([1], [0, 4], "F99"), data=bytes(4)),
        header(entry([1], [0, 4]), data=bytes(2)),
    ],
    ids=lambda content: f"{len(content)} bytes" if len(content) > 40 else str(content),
)
def test_absurd_headers_are_refused_without_their_memory(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ForeignWeightsError, match=r"Choose another file|Get it again|can be imported"):
        open_weights(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def test_truncated_and_changed_files_of_torch_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save(ARRAYS, path)
    content = path.read_bytes()
    for cut in (len(content) // 2, len(content) - 30, 30):
        path.write_bytes(content[:cut])
        with pytest.raises(ForeignWeightsError):
            open_weights(path, accept_pickle=True)


def test_a_compressed_archive_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path, packed = tmp_path / "bomb.pt", io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(50_000_000))
    path.write_bytes(packed.getvalue())
    with pytest.raises(ForeignWeightsError, match="compressed"):
        open_weights(path, accept_pickle=True)


def test_a_file_without_arrays_and_one_that_is_missing_are_said(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "empty.pt")
    with pytest.raises(ForeignWeightsError, match="holds 0 arrays"):
        open_weights(tmp_path / "empty.pt", accept_pickle=True)
    with pytest.raises(ForeignWeightsError, match="could not be read"):
        open_weights(tmp_path / "missing.safetensors")
    with pytest.raises(ForeignWeightsError, match="could not be read"):
        open_weights(tmp_path)

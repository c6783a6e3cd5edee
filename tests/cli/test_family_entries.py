"""``gmstudio runs`` lists from a cache of the families' titles and defaults, without torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from gmstudio.cli import family_entries as cached
from gmstudio.engine import catalog
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import runs_home
from gmstudio.runs.record import new_record

LIST = (
    "import sys; from gmstudio.cli import app; app(['runs'], standalone_mode=False); "
    "print('torch' in sys.modules, file=sys.stderr)"
)


def listed() -> tuple[str, bool]:
    """Output of ``gmstudio runs`` in a process of its own, and whether it loaded torch."""
    done = subprocess.run([sys.executable, "-c", LIST], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout, done.stderr.strip().endswith("True")


def test_a_second_listing_loads_no_torch_and_says_the_same(home: Path) -> None:
    spec = RunSpec(family="vae", data="digits", config={"beta": 10.0})
    image = ImageSpec(channels=1, height=8, width=8, levels=2)
    with RunFolder.create(runs_home() / "one", new_record(spec, image=image, device="cpu")) as run:
        run.update(status="finished")
    first, second = listed(), listed()
    assert first[1] and not second[1]
    assert first[0] == second[0] and "VAE · β = 10" in first[0]


def test_no_run_needs_no_family(home: Path) -> None:
    assert not listed()[1]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time that the entries were built from the families."""
    calls: list[int] = []
    build = catalog.family_entries
    monkeypatch.setattr(catalog, "family_entries", lambda: (calls.append(1), build())[1])
    return calls


def test_the_cache_holds_the_catalogs_entries_until_a_file_changes(
    home: Path, built: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {entry.card.name: entry for entry in catalog.build_catalog("").families}
    assert cached.family_entries() == cached.family_entries() == expected
    assert len(built) == 1
    monkeypatch.setattr(cached, "_key", lambda: "of other files")
    cached.family_entries()
    cached.family_entries()
    assert len(built) == 2


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"\x82\xa3key\x01"])
def test_a_damaged_cache_is_made_again(home: Path, built: list[int], damage: bytes) -> None:
    entries = cached.family_entries()
    (path,) = home.rglob(cached.CACHE_NAME)
    path.write_bytes(damage)
    assert cached.family_entries() == entries == cached.family_entries()
    assert len(built) == 2


def test_a_folder_that_cannot_be_written_costs_time_only(home: Path, built: list[int]) -> None:
    (home / "cache").write_text("a file in its place")
    assert cached.family_entries().keys() == cached.family_entries().keys() and len(built) == 2


def test_families_of_other_packages_are_loaded(home: Path, built: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "entry_points", lambda group: (group,))
    cached.family_entries()
    cached.family_entries()
    assert len(built) == 2 and not list(home.rglob(cached.CACHE_NAME))

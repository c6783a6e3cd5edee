"""Files that are damaged, lie or attack: none executes, none takes 500 MB, each is refused in one sentence.

All are opened by one other process, which watches itself.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from malformed_making import MALFORMED, MARKER

import gmstudio

_MAX_GROWTH_MB = 450  # of the process as a whole, over all files

_OPENER = """
import json, sys
from pathlib import Path
from gmstudio.data.importing.formats.choosing import open_format
from gmstudio.data.importing.settings import ReadSettings
import numpy.lib.format

events = []
WATCHED = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pickle.find_class", "open")
def watch(event, arguments):
    if event in WATCHED and (event != "open" or (arguments[1] or "r") not in ("r", "rb")):
        events.append([event, str(arguments)[:200]])
sys.addaudithook(watch)

def peak():  # of this process alone; rusage counts that of its parent, too
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024

for line in sys.stdin:
    path, before = Path(json.loads(line)), peak()
    events.clear()
    try:
        raw = open_format(path, ReadSettings())
        sentence = f"accepted: {raw}"
    except Exception as error:
        sentence = str(error) if isinstance(error, ValueError) else f"raised {error!r}"
    print(json.dumps([sentence, peak() - before, list(events)]), flush=True)
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, float, list[list[str]], Path]]:
    """Sentence, growth of memory in MB, suspicious events and path of each file."""
    home = tmp_path_factory.mktemp("malformed")
    paths = {}
    for number, (name, (write, _)) in enumerate(MALFORMED.items()):
        folder = home / str(number)
        folder.mkdir()
        paths[name] = write(folder)
    lines = "".join(json.dumps(str(path.parent if "batches" in str(path) else path)) + "\n" for path in paths.values())
    environment = os.environ | {"PYTHONPATH": str(Path(gmstudio.__file__).parents[1])}
    child = subprocess.run(
        [sys.executable, "-c", _OPENER],
        input=lines,
        capture_output=True,
        text=True,
        cwd=home,
        env=environment,
        timeout=110,
    )
    assert child.returncode == 0, child.stderr
    answers = [json.loads(line) for line in child.stdout.splitlines()]
    assert not (home / MARKER).exists()
    return {name: (*answer, path) for (name, path), answer in zip(paths.items(), answers, strict=True)}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_file_is_refused_in_one_sentence(
    name: str, outcomes: dict[str, tuple[str, float, list[list[str]], Path]]
) -> None:
    sentence, _, events, path = outcomes[name]
    assert not sentence.startswith(("accepted", "raised")), sentence
    assert MALFORMED[name][1] in sentence
    assert path.name in sentence
    assert "\n" not in sentence and sentence.endswith((".", "?")) and len(sentence) - len(str(path)) < 400
    assert events == []


def test_memory_stays_bounded_over_all_of_them(
    outcomes: dict[str, tuple[str, float, list[list[str]], Path]],
) -> None:
    growth = {name: megabytes for name, (_, megabytes, _, _) in outcomes.items()}
    assert sum(growth.values()) < _MAX_GROWTH_MB, {name: round(mb) for name, mb in growth.items() if mb > 5}

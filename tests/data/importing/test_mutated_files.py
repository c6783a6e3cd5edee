"""Valid files that were cut, overwritten, stretched or shortened at random: read, or refused in a sentence."""

import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from test_format_layouts import CIFAR, COLOUR, GREY

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.formats.choosing import open_format
from gmstudio.data.importing.raw import BadImageError
from gmstudio.data.importing.settings import ReadSettings
from gmstudio.protocol.config import ConfigError

LAYOUTS = {**GREY, **COLOUR, **CIFAR}
MUTATIONS = 6
_EXTREMES = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\0\0\0")


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The content cut, overwritten, repeated or shortened somewhere, mostly near its beginning."""
    data = bytearray(content)
    near = chance.randrange(min(len(data), chance.choice([64, 400, len(data)])))
    match chance.randrange(5):
        case 0:
            del data[chance.randrange(len(data)) :]
        case 1:
            for _ in range(chance.randrange(1, 6)):
                data[chance.randrange(len(data))] = chance.randrange(256)
        case 2:
            data[near : near + 4] = chance.choice(_EXTREMES)
        case 3:
            start = chance.randrange(len(data))
            data[near:near] = data[start : start + chance.randrange(1, 200)]
        case _:
            del data[near : near + chance.randrange(1, 20)]
    return bytes(data)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_mutated_file_is_read_or_refused(tmp_path: Path, layout: str) -> None:
    (tmp_path / "valid").mkdir()
    path = LAYOUTS[layout](tmp_path / "valid")
    chance = random.Random(layout)
    for number in range(MUTATIONS):
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "valid", folder)
        victim = chance.choice(sorted(file for file in folder.rglob("*") if file.is_file()))
        victim.write_bytes(mutated(victim.read_bytes(), chance))
        try:
            raw = open_format(folder / path.relative_to(tmp_path / "valid"), ReadSettings())
        except (DataError, ConfigError) as refusal:
            assert "\n" not in str(refusal) and len(str(refusal)) < 700
            continue
        for index in range(0 if raw is None else min(20, len(raw))):
            assert raw is not None
            try:
                image = raw.read(index)
            except BadImageError:
                continue
            assert image.dtype == np.uint8 and image.shape[:2] == raw.measure(index)

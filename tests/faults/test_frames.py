"""Fault 20: garbage, frames of an absurd size and other versions, in both directions, in the midst of a session."""

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from engine_process import EngineProcess
from fault_engine import ENDLESS, folder_in, learned, same_curves, start
from pytestqt.qtbot import QtBot

from gmstudio.protocol.engine import EngineReported, Reason
from gmstudio.protocol.frames import MAX_FRAME_BYTES, PROTOCOL_VERSION
from gmstudio.protocol.runs import HistoryAppended, ListRuns
from gmstudio.runs.folder import RunFolder
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.client.process_status import Timeouts
from gmstudio.window.client.request import Request

MIB = 1 << 20


def framed(body: bytes) -> bytes:
    return struct.pack("<I", len(body)) + body


def packed(**fields: object) -> bytes:
    return framed(msgspec.msgpack.encode(fields))


BAD: dict[str, bytes] = {
    "text": b"Hello from a module that prints while it is imported\n" * 20,
    "zeros": bytes(64),
    "a frame of 4 GiB": struct.pack("<I", 2**32 - 1) + b"x" * 100,
    "a frame just over the limit": struct.pack("<I", MAX_FRAME_BYTES + 1) + b"x" * 100,
    "no MessagePack": framed(b"\xc1" * 30),
    "a message that is none": packed(type="LaunchMissiles", request=1),
    "a field of another type": packed(type="EngineReported", request="one"),
    "no map": framed(msgspec.msgpack.encode([1, 2, 3])),
    "nesting without end": framed(b"\x91" * 20_000),
    "text that is no UTF-8": framed(b"\x81\xa4type\xa4\xff\xfe\xfd\xfc"),
    "an array of 2³¹ entries": framed(b"\x82\xa4type\xaeEngineReported\xa5state\xdd\x7f\xff\xff\xff"),
}
QUICK = Timeouts(restart=0.01, kill=0.3, close=5.0)
SCRIPT = """
import sys, os
sys.path.insert(0, {tests!r})
from fake_engine import catalog
from gmstudio.protocol.engine import EngineReported
from gmstudio.protocol.frames import frame
bad = bytes.fromhex({bad!r})
good = frame(catalog({version})) + frame(EngineReported(state="idle", device="CPU", memory_bytes=7))
sys.stdout.buffer.write(good + bad)
sys.stdout.flush()
while os.read(0, 65536):
    pass
"""


@pytest.fixture
def clients(qtbot: QtBot) -> Iterator[list[EngineClient]]:
    made: list[EngineClient] = []
    yield made
    for client in made:
        client.close()
        client.close()
        qtbot.waitUntil(lambda client=client: client.state.phase == "closed", timeout=20_000)


def client_of(clients: list[EngineClient], bad: bytes, version: int = PROTOCOL_VERSION) -> EngineClient:
    script = SCRIPT.format(tests=str(Path(__file__).parents[1]), bad=bad.hex(), version=version)
    client = EngineClient([sys.executable, "-c", script], timeouts=QUICK)
    clients.append(client)
    return client


@pytest.mark.slow
def test_bad_frames_in_a_session_end_their_engine_with_a_sentence_and_the_window_lives_on(
    qtbot: QtBot, clients: list[EngineClient]
) -> None:
    before = psutil.Process().memory_info().rss
    for name, bad in BAD.items():
        client = client_of(clients, bad)
        reports: list[EngineReported] = []
        client.on(EngineReported).connect(reports.append)
        request = Request(client)
        failures: list[Reason] = []
        request.failed.connect(lambda failure, failures=failures: failures.append(failure.reason))
        client.start()
        request.send(ListRuns())
        qtbot.waitUntil(lambda client=client: client.state.process_exit is not None, timeout=30_000)
        ended = client.state.process_exit
        assert ended is not None and "sent invalid data and was ended" in ended.sentence, name
        assert reports and reports[0].memory_bytes == 7, f"{name}: what came before it was taken"
        qtbot.waitUntil(lambda failures=failures: bool(failures), timeout=10_000)
        assert failures == [Reason.ENGINE_GONE], f"{name}: every command is answered"
        client.close()
    assert psutil.Process().memory_info().rss - before < 100 * MIB, "a length is not believed"


@pytest.mark.parametrize("version", [PROTOCOL_VERSION - 1, PROTOCOL_VERSION + 1])
def test_another_version_is_named_with_the_remedy(qtbot: QtBot, clients: list[EngineClient], version: int) -> None:
    client = client_of(clients, b"", version)
    client.start()
    qtbot.waitUntil(lambda: client.state.phase == "given up", timeout=30_000)
    assert client.state.process_exit is not None
    sentence = client.state.process_exit.sentence
    assert f"uses protocol {version}, this window protocol {PROTOCOL_VERSION}" in sentence
    assert "install the same gmstudio on both sides" in sentence


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a frame of 4 GiB", "a message that is none"])
def test_bad_frames_to_an_engine_that_trains_end_it_with_a_checkpoint(home: Path, name: str) -> None:
    with EngineProcess(home) as engine:
        run = start(engine, **ENDLESS)
        engine.wait(HistoryAppended, lambda event: any(series.split == "train" for series in event.series))
        assert engine.process.stdin is not None
        engine.process.stdin.write(BAD[name])
        engine.process.stdin.flush()
        assert engine.process.wait(60) == 0, "as if the window were gone"
        assert "Standard input is not a gmstudio window" in engine.stderr()
    with RunFolder.open(folder_in(home, run)) as kept:
        assert kept.record.status == "stopped"
        last = kept.checkpoints.load().step
        assert last == kept.record.step
    same_curves(learned(folder_in(home, run)), last)

"""``gmstudio report``: all of it is there in both forms, its command repeats the run, and its value is kept."""

import base64
import io
import json
import math
import re
import shlex
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from gmstudio.cli import app
from gmstudio.cli.reporting import KEYS, TEST_KEYS
from gmstudio.media.provenance import parse_metadata
from gmstudio.runs.description import Description, write_description
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunError

SETTINGS = ("--set", "num_latent=3", "--set", "beta=0.75", "--set", "num_hidden=16", "--set", "validate_every=10")


def call(*words: str) -> str:
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "my run"
    call(
        *("train", "vae", "--data", "digits", "--steps", "30", "--seed", "5", "--out", str(path), "--device", "cpu"),
        *SETTINGS,
        *("--set", "learning_rate=0.0012345678901234567", "--set", "levels=4"),
    )
    write_description(path, Description(name="<b>β & more</b>", note="A note.\nOf two lines."))
    return path


@pytest.fixture(scope="module")
def made(run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("report")
    document = json.loads(call("report", str(run), "--out", str(folder), "-n", "40", "--device", "cpu", "--json"))
    return folder, document


class Page(HTMLParser):
    """Texts, tags and pictures of a page; a tag that is not closed fails."""

    VOID = ("meta", "img", "br", "path")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.images: list[bytes] = []
        self.meta: dict[str, str] = {}
        self.polylines = 0
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        for value in found.values():
            assert not value.startswith(("http", "//", "file:")), value
        if tag == "img":
            kind, _, data = found["src"].partition(",")
            assert kind == "data:image/png;base64"
            self.images.append(base64.b64decode(data))
        elif tag == "meta" and "name" in found:
            self.meta[found["name"]] = found["content"]
        self.polylines += tag == "polyline"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.polylines += tag == "polyline"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_has_all_of_it(run: Path, made: tuple[Path, dict[str, Any]]) -> None:
    folder, document = made
    page = Page((folder / "my run.html").read_text(encoding="utf-8"))
    text = " ".join("".join(page.texts).split())
    with RunFolder.open(run) as opened:
        record, fingerprint = opened.record, opened.record.fingerprint
        curves = opened.history.read_scalars()
    assert fingerprint is not None
    for wanted in (
        "<b>β & more</b>",
        "A note. Of two lines.",
        fingerprint.digests["train"],
        record.versions["torch"],
        document["command"],
        "bits/dim",
        "± is the standard error",
        "Seed",
        "Parameters",
        "Checkpoints",
        "0.75 (default 1)",
        "step 30 of 30",
    ):
        assert wanted in text, wanted
    assert page.polylines >= 4
    assert ("valid", "loss") in curves
    samples, pairs = (Image.open(io.BytesIO(content)) for content in page.images)
    assert samples.size[0] / samples.size[1] == pytest.approx(4, rel=0.05)  # 20 × 5 square images
    assert pairs.size[0] / pairs.size[1] == pytest.approx(10, rel=0.06)
    origin = parse_metadata({str(key): str(value) for key, value in samples.info.items()})
    assert origin is not None
    assert (origin.family, origin.step, origin.seed, origin.shows) == ("vae", 30, 5, "samples")
    assert json.loads(page.meta["gmstudio"])["Created"] == record.created


def test_the_value_is_a_bound_or_an_estimate_with_its_error_and_is_kept(
    run: Path, made: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    _folder, document = made
    assert tuple(document) == KEYS
    test = document["test"]
    assert tuple(test) == TEST_KEYS
    assert test["kind"] == "−log p(x), importance-weighted estimate, 100 samples an image"
    assert not test["is_bound"]
    assert test["bits_per_dim"] == pytest.approx(test["value"] / (64 * math.log(2)))
    assert 0 < test["error"] < test["value"]
    assert re.fullmatch(r"40 of [\d,]+ test images, seed 0, [\d.]+ s", test["measured"])
    again = json.loads(call("report", str(run), "--out", str(tmp_path / "a.html"), "-n", "40", "--json"))
    assert again["written"] == [str(tmp_path / "a.html")]
    assert again["test"]["value"] == test["value"]
    assert "40 of them kept from before" in again["test"]["measured"]


def test_the_command_repeats_the_losses_to_the_last_bit(
    run: Path, made: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    words = shlex.split(made[1]["command"])
    assert words[:3] == ["gmstudio", "train", "vae"]
    assert "config.beta=0.75" in words
    call(*words[1:], "--out", str(tmp_path / "again"))
    with RunFolder.open(run) as first, RunFolder.open(tmp_path / "again") as second:
        assert first.record.spec == second.record.spec
        assert first.record.fingerprint == second.record.fingerprint
        a, b = first.history.read_scalars(), second.history.read_scalars()
        for key in (("train", "loss"), ("valid", "loss"), ("train", "kl")):
            np.testing.assert_array_equal(a[key][1], b[key][1])
        old, new = first.checkpoints.load(), second.checkpoints.load()
        for name, weights in old.tensors["model"].items():
            np.testing.assert_array_equal(weights, new.tensors["model"][name])


def test_the_document_for_paper_has_text_vectors_and_pictures(made: tuple[Path, dict[str, Any]]) -> None:
    content = (made[0] / "my run.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
    drawn = b"".join(inflated for stream in streams if (inflated := _inflated(stream)))
    assert drawn.count(b" l ") + drawn.count(b" l\n") > 100  # lines of curves
    assert drawn.count(b"Tj") + drawn.count(b"TJ") > 60  # text
    assert content.count(b"/Subtype /Image") == 2
    assert b"/ToUnicode" in content  # so that the text can be selected and searched


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_a_run_without_likelihood_has_what_it_has(tmp_path: Path) -> None:
    run = tmp_path / "auto"
    call("train", "autoencoder", "--data", "digits", "--steps", "5", "--out", str(run), "--device", "cpu")
    found = json.loads(call("report", str(run), "--out", str(tmp_path), "--html", "-n", "20", "--json"))
    assert found["test"]["kind"].startswith("mean squared error of reconstructions")
    assert found["test"]["bits_per_dim"] is None
    assert 0 < found["test"]["error"] < found["test"]["value"] < 1


def test_a_run_of_points_has_its_density(tmp_path: Path) -> None:
    run = tmp_path / "points"
    call("train", "nade", "--data", "points", "--steps", "5", "--out", str(run), "--device", "cpu")
    found = json.loads(call("report", str(run), "--out", str(tmp_path / "p.html"), "-n", "20", "--json"))
    assert found["test"]["unit"] == "nats per point"
    assert found["test"]["kind"] == "−log p(x), exact log-likelihood"
    page = Page((tmp_path / "p.html").read_text(encoding="utf-8"))
    (density,) = page.images
    assert Image.open(io.BytesIO(density)).info["Shows"] == "p(x)"
    assert "Density" in page.texts


def test_what_is_missing_is_said(run: Path, tmp_path: Path) -> None:
    from gmstudio.protocol.images import ImageSpec
    from gmstudio.protocol.run_spec import RunSpec
    from gmstudio.runs.record import new_record

    path = tmp_path / "untrained"
    spec = RunSpec(family="vae", data="digits", training={"steps": 5})
    RunFolder.create(path, new_record(spec, image=ImageSpec(1, 8, 8, 2), device="cpu")).close()
    found = json.loads(call("report", str(path), "--out", str(tmp_path), "--html", "--json"))
    assert found["test"] is None
    assert "has no checkpoint" in found["remarks"][0]
    with pytest.raises(RunError, match="exists already"):
        CliRunner().invoke(app, ["report", str(path), "--out", str(tmp_path), "--html"], catch_exceptions=False)
    with pytest.raises(ValueError, match="leave out --html"):
        CliRunner().invoke(app, ["report", str(run), "--html", "--out", "a.pdf"], catch_exceptions=False)

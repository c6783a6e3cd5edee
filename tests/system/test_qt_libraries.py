"""Qt's missing system libraries are found and reported, and apt installs exactly those."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PySide6
import pytest

from gmstudio.system import qt_libraries
from gmstudio.system.qt_libraries import (
    BASE_LIBRARIES,
    describe_missing,
    install_command,
    likely_platforms,
    main,
    missing_libraries,
    needed_libraries,
)


def loader_without(*lacking: str) -> Callable[[str], object]:
    """A dynamic loader on a machine that lacks these libraries."""

    def load(library: str) -> object:
        if library in lacking:
            raise OSError(f"{library}: cannot open shared object file: No such file or directory")
        return object()

    return load


@pytest.mark.parametrize(
    ("environ", "platforms"),
    [
        ({}, ("offscreen",)),
        ({"DISPLAY": ":0"}, ("xcb",)),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, ("wayland", "xcb")),
        ({"DISPLAY": ":0", "QT_QPA_PLATFORM": "offscreen"}, ("offscreen",)),
        ({"QT_QPA_PLATFORM": "wayland-egl;xcb:option=1"}, ("wayland", "xcb")),
        ({"QT_QPA_PLATFORM": "vnc:size=800x600"}, ("vnc",)),
    ],
)
def test_likely_platforms(environ: dict[str, str], platforms: tuple[str, ...]) -> None:
    assert likely_platforms(environ) == platforms


def test_offscreen_needs_no_xcb_library() -> None:
    assert needed_libraries(("offscreen",)) == BASE_LIBRARIES
    load = loader_without("libxcb-cursor.so.0")
    assert missing_libraries(("offscreen",), load=load, system="linux") == {}
    assert missing_libraries(("xcb",), load=load, system="linux") == {"libxcb-cursor.so.0": "libxcb-cursor0"}


def test_no_library_is_missing_where_the_wheel_brings_all() -> None:
    assert missing_libraries(("xcb",), load=loader_without("libEGL.so.1"), system="darwin") == {}


def test_the_command_names_each_package_once() -> None:
    missing = {"libEGL.so.1": "libegl1", "libGL.so.1": "libgl1", "libGLX.so.0": "libgl1"}
    assert install_command(missing) == "sudo apt-get install -y libegl1 libgl1"


def test_the_sentence_without_apt_names_the_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    sentence = describe_missing({"libEGL.so.1": "libegl1"})
    assert "libEGL.so.1" in sentence
    assert "package manager" in sentence
    assert "apt-get" not in sentence


class FakeSystem:
    """apt, sudo and the loader of a machine on which libEGL is missing until it is installed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, root: bool, sudo: bool, apt_works: bool = True) -> None:
        self.commands: list[list[str]] = []
        self.installed = False
        self._sudo, self._apt_works = sudo, apt_works
        monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
        monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
        monkeypatch.setattr(subprocess, "run", self._run)
        monkeypatch.setattr(qt_libraries, "missing_libraries", self._missing)

    def _run(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        if command == ["sudo", "-n", "true"]:
            return subprocess.CompletedProcess(command, 0 if self._sudo else 1)
        self.installed |= "install" in command and self._apt_works
        return subprocess.CompletedProcess(command, 0 if self._apt_works else 100)

    def _missing(self, platforms: tuple[str, ...]) -> dict[str, str]:
        return {} if self.installed else {"libEGL.so.1": "libegl1"}


def test_root_installs_without_sudo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    system = FakeSystem(monkeypatch, root=True, sudo=False)
    assert main(["offscreen"]) == 0
    assert system.commands[-1][-4:] == ["install", "-y", "--no-install-recommends", "libegl1"]
    assert "sudo" not in system.commands[-1]
    assert capsys.readouterr().err == ""


def test_a_user_with_passwordless_sudo_installs_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    system = FakeSystem(monkeypatch, root=False, sudo=True)
    assert main(["offscreen"]) == 0
    assert system.commands[-1][:2] == ["sudo", "-n"]


@pytest.mark.parametrize(("root", "sudo", "apt_works"), [(False, False, True), (True, False, False)])
def test_the_command_is_printed_where_we_cannot_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root: bool, sudo: bool, apt_works: bool
) -> None:
    FakeSystem(monkeypatch, root=root, sudo=sudo, apt_works=apt_works)
    assert main(["offscreen"]) == 1
    assert "sudo apt-get install -y libegl1" in capsys.readouterr().err


ON_ANY_LINUX = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libgcc_s.so.1", "libz.so.1"}
ON_ANY_LINUX |= {"libstdc++.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
IN_THE_WHEEL = ("libQt6", "libicu", "libpyside6", "libshiboken6")
PACKAGED_TOGETHER = {"libgthread-2.0.so.0"}  # with libglib-2.0.so.0


@pytest.mark.skipif(sys.platform != "linux", reason="the list is Linux's")
@pytest.mark.parametrize(
    ("platform", "plugin_files"),
    [
        ("offscreen", ["plugins/platforms/libqoffscreen.so"]),
        ("xcb", ["plugins/platforms/libqxcb.so", "lib/libQt6XcbQpa.so.6"]),
        ("wayland", ["plugins/platforms/libqwayland.so", "lib/libQt6WaylandClient.so.6"]),
    ],
)
def test_the_list_is_what_the_wheel_links_to(platform: str, plugin_files: list[str]) -> None:
    """Every library that Qt and the plugin ask for by name is listed, or comes with Qt, or with any Linux."""
    qt = Path(PySide6.__path__[0]) / "Qt"
    files = [f"lib/libQt6{part}.so.6" for part in ("Core", "DBus", "Gui", "Widgets", "OpenGL", "Svg", "SvgWidgets")]
    asked = {name for file in files + plugin_files for name in linked_libraries(qt / file)}
    theirs = {name for name in asked if name.startswith(IN_THE_WHEEL)}
    assert asked - theirs - ON_ANY_LINUX - PACKAGED_TOGETHER <= set(needed_libraries((platform,)))


def linked_libraries(file: Path) -> list[str]:
    """The NEEDED entries of an ELF file, in the order of its dynamic section.

    Source: System V ABI, chapter 5 (64-bit little-endian files only).
    """
    data = file.read_bytes()
    assert data[:6] == b"\x7fELF\x02\x01"

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], "little")

    headers, entry_size, count = number(40, 8), number(58, 2), number(60, 2)
    sections = [headers + i * entry_size for i in range(count)]
    dynamic = next(s for s in sections if number(s + 4, 4) == 6)
    strings = number(sections[number(dynamic + 40, 4)] + 24, 8)
    start, size = number(dynamic + 24, 8), number(dynamic + 32, 8)
    needed = [number(at + 8, 8) for at in range(start, start + size, 16) if number(at, 8) == 1]
    return [data[strings + n : data.index(b"\0", strings + n)].decode() for n in needed]

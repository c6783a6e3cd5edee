"""Qt's missing system libraries are found and reported, and apt installs exactly those."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gmstudio.system import qt_libraries
from gmstudio.system.elf import linked_libraries
from gmstudio.system.qt_libraries import (
    describe_missing,
    install_command,
    likely_platforms,
    main,
    missing_libraries,
    needed_libraries,
    qt_folder,
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
    assert not any("xcb" in name for name in needed_libraries(("offscreen",)))
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


SEEN = {
    "offscreen": "libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libfreetype6 libglib2.0-0 libx11-6 libzstd1",
    "xcb": "libxcb1 libx11-xcb1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 "
    "libxcb-render0 libxcb-render-util0 libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-util1 libxcb-xfixes0 "
    "libxcb-xkb1 libxkbcommon-x11-0",
    "wayland": "libwayland-client0 libwayland-cursor0",
}
"""Platform → packages without which Qt 6 was seen not to start."""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lacks libraries")
@pytest.mark.parametrize("platform", SEEN)
def test_the_wheel_is_asked(platform: str) -> None:
    packages = set(needed_libraries((platform,)).values())
    assert set(SEEN["offscreen"].split()) | set(SEEN[platform].split()) <= packages
    assert not any(package.startswith(("libqt6", "libicu")) for package in packages)


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("ldd"), reason="needs ldd")
def test_the_dynamic_loader_agrees() -> None:
    """All that is found is loaded with the plugin, and all that is loaded is found or needed by what is found."""
    qt = qt_folder()
    assert qt is not None
    output = subprocess.run(["ldd", qt / "plugins/platforms/libqxcb.so"], capture_output=True, text=True).stdout
    loaded = {line.split()[0].rpartition("/")[2] for line in output.splitlines()}
    in_wheel = {line.split()[0] for line in output.splitlines() if str(qt.parent) in line}
    needed = set(needed_libraries(("xcb",)))
    direct = set(linked_libraries(qt / "plugins/platforms/libqxcb.so")) - in_wheel
    assert direct <= needed <= loaded


@pytest.mark.parametrize("lacking", SEEN["xcb"].split())
def test_any_missing_library_of_the_plugin_is_found(lacking: str) -> None:
    [library] = [name for name, package in needed_libraries(("xcb",)).items() if package == lacking]
    assert missing_libraries(("xcb",), load=loader_without(library), system="linux") == {library: lacking}


def test_a_new_library_of_a_later_qt_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in ("lib/libQt6Gui.so.6", "plugins/platforms/libqxcb.so", "lib/libQt6XcbQpa.so.6"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    links = {"libqxcb.so": ("libQt6XcbQpa.so.6",), "libQt6XcbQpa.so.6": ("libQt6Gui.so.6", "libxcb-new.so.7")}
    monkeypatch.setattr(qt_libraries, "qt_folder", lambda: tmp_path)
    monkeypatch.setattr(qt_libraries, "linked_libraries", lambda file: links.get(file.name, ()))
    assert needed_libraries(("xcb",)) == {"libxcb-new.so.7": "libxcb-new7"}
    assert needed_libraries(("offscreen",)) == {}


def test_nothing_is_needed_where_there_is_no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qt_libraries, "find_spec", lambda name: None)
    assert needed_libraries(("xcb",)) == {}


def test_a_file_that_is_no_elf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.so").write_bytes(b"MZ" + bytes(100))
    with pytest.raises(ValueError, match="not a 64-bit"):
        linked_libraries(tmp_path / "a.so")

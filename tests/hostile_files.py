"""Small files and archives that are damaged, lie about their sizes or try to do harm."""

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from picture_making import encoded, picture_of, png, some_pixels
from PIL import Image

MIB = 1 << 20
GOOD = {f"good{number}.png": png(number) for number in range(3)}


def chunk(kind: bytes, content: bytes, crc: int | None = None) -> bytes:
    crc = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def png_file(width: int, height: int, data: bytes, *extra: bytes, bits: int = 8, colour: int = 0) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def zeros(size: int) -> bytes:
    """``size`` zero bytes, deflated to a thousandth: one block of them repeated, with their Adler-32."""
    last = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    rest = last.compress(bytes(size % MIB)) + last.flush()
    return b"\x78\xda" + size // MIB * block_of_zeros() + rest + struct.pack(">HH", size % 65521, 1)


@cache
def block_of_zeros() -> bytes:
    """A block of a deflated stream that can be repeated."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)


def tiff(*entries: tuple[int, int, int, int], following: int = 0) -> bytes:
    """A TIFF of one directory: tag, type, count and value of each entry."""
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", following) + bytes(64)


def tiff_image(width: int, height: int, *, compression: int = 1, counts: int = 64, bits: int = 8) -> bytes:
    return tiff(
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, bits),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (273, 4, 1, 140),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, counts),
    )


def bmp(width: int, height: int) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header


def gif(width: int, height: int) -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0x80, 0, 0)
        + bytes(6)
        + b"\x2c"
        + struct.pack("<HHHHB", 0, 0, width, height, 0)
        + b"\x02\x02\x4c\x01\x00\x3b"
    )


def jpeg_of(width: int, height: int) -> bytes:
    """A JPEG whose header promises another size than its data have."""
    content = bytearray(encoded(picture_of(some_pixels(0, 8, 8)), "JPEG"))
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(content)


def cut(content: bytes, share: float = 0.5) -> bytes:
    return content[: int(len(content) * share)]


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%touch /tmp/harmed) (w) file\nshowpage\n"
LARGE = encoded(picture_of(some_pixels(0, 64, 64)))

PICTURES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "text": (b"this is no picture", "no PNG"),
    "PostScript, which would be run": (EPS, "no PNG"),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>', "no PNG"),
    "ICO": (encoded(picture_of(some_pixels(0, 16, 16)), "ICO"), "no PNG"),
    "pickle": (b"\x80\x04cos\nsystem\n(S'touch harmed'\ntR.", "no PNG"),
    "PNG, cut": (cut(LARGE), "damaged"),
    "PNG, signature only": (LARGE[:8], "no PNG|damaged"),
    "PNG, other checksum": (png_file(2, 2, zeros(6))[:-20] + bytes(20), "damaged"),
    "PNG of 60,000 pixels a side": (png_file(60_000, 60_000, zeros(100)), "pixels"),
    "PNG that unpacks to 144 MP": (png_file(12_000, 12_000, zeros(12_000 * 12_001)), "pixels"),
    "PNG with 2³¹ columns": (png_file(2**31 - 1, 1, zeros(100)), "pixels"),
    "PNG of 20,000 columns": (png_file(20_000, 2, zeros(2 * 20_001)), "a side has at most 16,384"),
    "PNG of no columns": (png_file(0, 5, zeros(10)), "no PNG|damaged|pixels"),
    "PNG with a long text": (png_file(2, 2, zeros(6), chunk(b"zTXt", b"a\0\0" + zeros(120 * MIB))), "damaged"),
    "PNG with a profile that grows": (
        png_file(2, 2, cut(zeros(6), 0.3), chunk(b"iCCP", b"a\0\0" + zeros(120 * MIB))),
        "damaged",
    ),
    "TIFF with 2³¹ rows": (tiff_image(2**31, 2**31), "pixels|damaged|no PNG"),
    "TIFF of one strip of 4 GiB": (tiff_image(64, 64, counts=2**32 - 1), "damaged"),
    "TIFF, compressed rubbish": (tiff_image(64, 64, compression=5), "damaged"),
    "TIFF with a directory that follows itself": (tiff((256, 4, 1, 9), following=8), "damaged|no PNG"),
    "TIFF with 65,535 entries": (b"II*\0\x08\0\0\0\xff\xff" + bytes(100), "damaged|no PNG"),
    "TIFF of 4 GiB of samples": (tiff((256, 4, 1, 9), (257, 4, 1, 9), (258, 3, 2**31 - 1, 8)), "damaged|no PNG"),
    "BMP with 2³¹ rows": (bmp(2**31 - 1, 2**31 - 1), "pixels|damaged|no PNG"),
    "BMP, cut": (bmp(64, 64), "damaged"),
    "GIF of 65,535 pixels a side": (gif(65_535, 65_535), "pixels"),
    "GIF, rubbish": (gif(9, 9)[:30] + bytes(9), "damaged"),
    "JPEG that promises 65,500 pixels a side": (jpeg_of(65_500, 65_500), "pixels"),
    "JPEG, cut": (cut(encoded(picture_of(some_pixels(0, 64, 64)), "JPEG")), "damaged"),
    "WEBP, cut": (cut(encoded(picture_of(some_pixels(0, 64, 64)), "WEBP")), "damaged|no PNG"),
    "floats that are no numbers": (encoded(Image.fromarray(np.full((6, 5), np.nan, np.float32)), "TIFF"), "numbers"),
}
"""Name → content, and a pattern of the reason."""


def large_pictures(place: Path) -> Path:
    """Two harmless pictures of 24 megapixels and 72 MB each, in 70 kB."""
    content = png_file(6000, 4000, zeros(4000 * 18_001), colour=2)
    for name in ("a.png", "b.png"):
        (place / name).write_bytes(content)
    return place


def pipe(place: Path) -> None:
    os.mkfifo(place / "pipe.png")


def device(place: Path) -> None:
    (place / "device.png").symlink_to("/dev/zero")


def folder(place: Path) -> None:
    (place / "folder.png").mkdir()


def large_file(place: Path) -> None:
    with (place / "large.png").open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(120 * MIB)  # a hole: no blocks on the disk


BAD_FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a pipe": (pipe, "pipe"),
    "a device without end": (device, "device"),
    "120 MiB": (large_file, "bytes"),
}


def zipped(place: Path, files: dict[str, bytes]) -> Path:
    path = place / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def changed(path: Path, change: Callable[[bytearray, int, int], None]) -> Path:
    """Change an archive; ``change`` gets its bytes, and the places of the last directory entry and of the end."""
    content = bytearray(path.read_bytes())
    change(content, content.rindex(b"PK\1\2"), content.rindex(b"PK\5\6"))
    path.write_bytes(content)
    return path


def put(content: bytearray, at: int, form: str, *values: int) -> None:
    struct.pack_into(form, content, at, *values)


def with_bad(place: Path, name: str, content: bytes) -> Path:
    return zipped(place, {**GOOD, name: content})


def bomb(place: Path) -> Path:
    path = zipped(place, GOOD)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("z.png", "w") as entry:
        for _ in range(120):
            entry.write(bytes(MIB))
    return path


def lying(field: int, value: int) -> Callable[[Path], Path]:
    """The last entry's packed size (20) or size (24) is another one."""
    return lambda place: changed(
        with_bad(place, "z.png", zeros(5)), lambda content, entry, _: put(content, entry + field, "<L", value)
    )


def bomb_that_claims_little(place: Path) -> Path:
    return changed(bomb(place), lambda content, entry, _: put(content, entry + 24, "<L", 1000))


def encrypted(place: Path) -> Path:
    return changed(with_bad(place, "z.png", png(5)), lambda content, entry, _: put(content, entry + 8, "<H", 1))


def other_method(place: Path) -> Path:
    return changed(with_bad(place, "z.png", png(5)), lambda content, entry, _: put(content, entry + 10, "<H", 14))


def wrong_checksum(place: Path) -> Path:
    return changed(with_bad(place, "z.png", png(5)), lambda content, entry, _: put(content, entry + 16, "<L", 1))


def no_header(place: Path) -> Path:
    def change(content: bytearray, entry: int, _: int) -> None:
        (offset,) = struct.unpack_from("<L", content, entry + 42)
        content[offset : offset + 4] = b"XXXX"

    return changed(with_bad(place, "z.png", png(5)), change)


def link_entry(place: Path) -> Path:
    path = zipped(place, GOOD)
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("z.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return path


BAD_ENTRIES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "an entry of 120 MiB": (bomb, "bytes"),
    "an entry of 120 MiB that promises 1,000 bytes": (bomb_that_claims_little, "promises"),
    "an entry that promises 4 GiB": (lying(24, 2**32 - 2), "bytes"),
    "an entry that is longer than it promises": (lying(24, 2), "promises"),
    "an encrypted entry": (encrypted, "encrypted"),
    "an entry packed by LZMA": (other_method, "LZMA"),
    "an entry with another checksum": (wrong_checksum, "checksum"),
    "an entry without a header": (no_header, "damaged"),
    "a symbolic link": (link_entry, "no PNG"),
}


def overlapping(place: Path) -> Path:
    def change(content: bytearray, entry: int, _: int) -> None:
        put(content, entry + 42, "<L", 0)

    return changed(zipped(place, GOOD), change)


def end_field(at: int, form: str, value: int) -> Callable[[Path], Path]:
    return lambda place: changed(zipped(place, GOOD), lambda content, _, end: put(content, end + at, form, value))


def no_zip(place: Path) -> Path:
    path = place / "set.zip"
    path.write_bytes(b"PK\3\4" + bytes(1000))
    return path


def cut_zip(place: Path) -> Path:
    path = zipped(place, GOOD)
    path.write_bytes(cut(path.read_bytes()))
    return path


def large_sizes(place: Path) -> Path:
    """A record for large archives that promises more than there is."""
    path = zipped(place, GOOD)
    content = path.read_bytes()
    end = content.rindex(b"PK\5\6")
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2**40, 2**40, 2**62, 2**62)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    tail = bytearray(content[end:])
    struct.pack_into("<HHLL", tail, 8, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    path.write_bytes(content[:end] + record + locator + bytes(tail))
    return path


def other_archive(place: Path) -> Path:
    path = place / "set.7z"
    path.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(100))
    return path


def only_archives(place: Path) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.png", png(0))
    return zipped(place, {"inner.zip": inner.getvalue()})


def no_pictures(place: Path) -> Path:
    (place / "set").mkdir()
    (place / "set" / "a.png").write_bytes(b"nothing")
    return place / "set"


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "entries that share their bytes": (overlapping, "overlap"),
    "a directory with more entries than bytes": (end_field(10, "<H", 60_000), "damaged zip"),
    "a directory of 4 GiB": (end_field(12, "<L", 2**32 - 2), "damaged zip"),
    "a directory that lies elsewhere": (end_field(16, "<L", 2**31), "damaged zip"),
    "a part of an archive": (end_field(4, "<H", 3), "several parts"),
    "no archive": (no_zip, "no zip"),
    "an archive that is cut": (cut_zip, "no zip"),
    "sizes of an exbibyte": (large_sizes, "damaged zip"),
    "another archive": (other_archive, "Unpack it"),
    "archives in an archive": (only_archives, "not opened"),
    "no picture that can be decoded": (no_pictures, "No image can be decoded; 1 were tried"),
}

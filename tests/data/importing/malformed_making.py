"""Makes files that are damaged, lie or attack, for the tests: name → writer, and what the refusal must say."""

import gzip
import io
import os
import pickle
import pickletools
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.io

Write = Callable[[Path], Path]
IMAGES = np.arange(12 * 16, dtype=np.uint8).reshape(12, 4, 4)
MARKER = "executed"
"""File that an executed attack would make in the working directory."""


class _Attack:
    def __init__(self, state: object = None) -> None:
        self.state = state

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {MARKER}",)


class _Stateful:
    def __init__(self) -> None:
        self.x = 1


def content(name: str, data: bytes) -> Write:
    def write(folder: Path) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return write


def npy_bytes(array: np.ndarray, pickled: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=pickled)
    return buffer.getvalue()


def npy_header(text: str, version: tuple[int, int] = (1, 0), length: int | None = None) -> bytes:
    size = struct.pack("<H" if version == (1, 0) else "<I", len(text) if length is None else length)
    return b"\x93NUMPY" + bytes(version) + size + text.encode()


def header_of(shape: str, descr: str = "'|u1'") -> bytes:
    return npy_header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n")


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def zip_bomb(folder: Path) -> Path:
    """An entry whose header truly promises 300 MB of zeros, packed in some 1.5 MB."""
    path = folder / "bomb.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("x.npy", "w") as entry,
    ):
        entry.write(header_of("(3000000, 10, 10)"))
        for _ in range(300):
            entry.write(bytes(1_000_000))
    return path


def header_bomb(folder: Path) -> Path:
    """An entry whose header claims to be 60 MB long, and is."""
    path = folder / "header.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("x.npy", "w") as entry,
    ):
        entry.write(npy_header("", (2, 0), 60_000_000))
        for _ in range(60):
            entry.write(b" " * 1_000_000)
    return path


def broken_checksum() -> bytes:
    data = bytearray(zipped({"x.npy": npy_bytes(IMAGES)}, zipfile.ZIP_STORED))
    data[data.index(IMAGES.tobytes()) + 5] ^= 0xFF
    return bytes(data)


def mat_bytes(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, arrays, do_compression=False)
    return buffer.getvalue()


def lying_mat(shape: tuple[int, int]) -> bytes:
    """A matrix whose sizes promise another number of values than it holds."""
    data = bytearray(mat_bytes(X=IMAGES.reshape(12, 16)))
    place = data.index(struct.pack("<ii", 12, 16))
    data[place : place + 8] = struct.pack("<ii", *shape)
    return bytes(data)


def mat_bomb() -> bytes:
    """A compressed matrix that promises 1.5 GB and holds some kilobytes of deflated zeros."""
    rows, columns = 1_500_000, 1000
    inside = struct.pack("<IIIIII", 6, 8, 9, 0, 5, 8) + struct.pack("<ii", rows, columns)
    inside += struct.pack("<II", 1, 1) + b"X" + bytes(7) + struct.pack("<II", 2, rows * columns)
    inside = struct.pack("<II", 14, len(inside) + rows * columns) + inside
    squeeze = zlib.compressobj(1)
    packed = (
        squeeze.compress(inside) + b"".join(squeeze.compress(bytes(1_000_000)) for _ in range(20)) + squeeze.flush()
    )
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    return header + struct.pack("<II", 15, len(packed)) + packed


def gz_of(piece: bytes, times: int) -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1) as file:
        for _ in range(times):
            file.write(piece)
    return buffer.getvalue()


def tar_with_attributes(size: int) -> bytes:
    """An archive whose first header promises attributes of ``size`` bytes, all zeros, gzipped."""
    info = tarfile.TarInfo("attributes")
    info.type, info.size = tarfile.XHDTYPE, size
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT)) + gz_of(bytes(1 << 20), size >> 20)


def tar_of(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def proto2(*parts: bytes) -> bytes:
    return b"\x80\x02" + b"".join(parts) + b"."


def many_tuples() -> bytes:
    """Tuples of tuples, each twice the one before: harmless to hold, endless to compare, hash or print."""
    return b"(t" + b"q\x00" + b"h\x00h\x00\x86q\x00" * 60


def recoding_bomb() -> bytes:
    """One text of 1 MB, recoded to bytes again and again."""
    text = b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20) + b"q\x00"
    latin = b"X\x06\x00\x00\x00latin1q\x01"
    once = b"c_codecs\nencode\nh\x00h\x01\x86R"
    return proto2(b"](", text, latin, once * 2000, b"e")


ARRAY_CODE = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"


def lying_array(shape: bytes, dtype: bytes = b"u1") -> bytes:
    described = (
        b"cnumpy\ndtype\n(U"
        + bytes([len(dtype)])
        + dtype
        + b"K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    return proto2(b"}U\x04data", ARRAY_CODE, b"(K\x01(", shape, b"t", described, b"\x89U\x04abcd", b"tb", b"s")


def pickled(value: object, protocol: int = 2) -> bytes:
    return pickletools.optimize(pickle.dumps(value, protocol=protocol))


def idx_header(*sizes: int, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)


BATCH = "cifar-10-batches-py/data_batch_1"
ROW = np.zeros((2, 3072), np.uint8)

MALFORMED: dict[str, tuple[Write, str]] = {
    "npy empty": (content("a.npy", b""), "is empty"),
    "npy of another kind": (content("a.npy", b"GIF89a..........."), "is no NumPy file"),
    "npy magic only": (content("a.npy", b"\x93NUMPY"), "is no NumPy file"),
    "npy version 9": (content("a.npy", b"\x93NUMPY\x09\x00\x10\x00" + b" " * 16), "version 9.0"),
    "npy header cut": (content("a.npy", npy_bytes(IMAGES)[:40]), "cut short within its header"),
    "npy values cut": (content("a.npy", npy_bytes(IMAGES)[:-1]), "is cut short: it holds 191 of 192"),
    "npy lying": (content("a.npy", header_of("(60000, 28, 28)") + bytes(100)), "47,040,000 bytes"),
    "npy gigantic": (content("a.npy", header_of("(1000000000000, 28, 28)")), "is cut short"),
    "npy beyond 64 bits": (content("a.npy", header_of("(18446744073709551617, 28, 28)")), "."),
    "npy negative": (content("a.npy", header_of("(-5, 28, 28)") + bytes(99)), "-5, 28, 28"),
    "npy boolean size": (content("a.npy", header_of("(True, 28, 28)") + bytes(999)), "."),
    "npy header of 4 GB": (content("a.npy", npy_header("{}", (2, 0), 0xFFFFFFF0)), "4,294,967,280 bytes; at most"),
    "npy header is code": (
        content("a.npy", npy_header("__import__('os').system('touch executed')\n")),
        "damaged header",
    ),
    "npy header is deep": (content("a.npy", npy_header("(" * 9000 + ")" * 9000 + "\n")), "damaged header"),
    "npy objects": (content("a.npy", npy_bytes(np.array([_Attack()], object), True)), "Python objects"),
    "npy records": (content("a.npy", npy_bytes(np.zeros(3, "u1,f4"))), "holds no array of images"),
    "npy complex": (content("a.npy", npy_bytes(IMAGES.astype(complex))), "holds no array of images"),
    "npy text": (content("a.npy", npy_bytes(np.array(["a", "b"]))), "holds no array of images"),
    "npy no axis": (content("a.npy", npy_bytes(np.array(5))), "holds no array of images"),
    "npy no images": (content("a.npy", npy_bytes(IMAGES[:0])), "holds no array of images"),
    "npy five axes": (content("a.npy", npy_bytes(IMAGES[:, None, None])), "holds no array of images"),
    "npy all NaN": (content("a.npy", npy_bytes(np.full((3, 4, 4), np.nan))), "NaN or infinite values in every image"),
    "npy five channels": (content("a.npy", npy_bytes(np.zeros((3, 5, 6, 5)))), "1, 3 or 4 channels"),
    "npy huge side": (content("a.npy", npy_bytes(np.zeros((2, 1, 5000), np.uint8))), "1 to 4096 a side"),
    "npz empty": (content("a.npz", b""), "damaged archive"),
    "npz cut": (content("a.npz", zipped({"x.npy": npy_bytes(IMAGES)})[:-30]), "damaged archive"),
    "npz without arrays": (content("a.npz", zipped({"x.txt": b"hello"})), "holds no arrays"),
    "npz lying": (
        content("a.npz", zipped({"x.npy": header_of("(60000, 28, 28)") + bytes(9)})),
        "header promises 47,040,000",
    ),
    "npz broken checksum": (content("a.npz", broken_checksum()), "Bad CRC"),
    "npz objects": (
        content("a.npz", zipped({"x.npy": npy_bytes(np.array([_Attack()], object), True)})),
        "Python objects",
    ),
    "npz packed otherwise": (content("a.npz", zipped({"x.npy": npy_bytes(IMAGES)}, zipfile.ZIP_LZMA)), "method 14"),
    "npz bomb": (zip_bomb, "decompression bomb"),
    "npz bomb in the header": (header_bomb, "header of 60,000,000 bytes"),
    "npz other number of labels": (
        content("a.npz", zipped({"x.npy": npy_bytes(IMAGES), "y.npy": npy_bytes(np.zeros(5, int))})),
        "5 labels, but there are 12 images",
    ),
    "npz negative label": (
        content("a.npz", zipped({"x.npy": npy_bytes(IMAGES), "y.npy": npy_bytes(np.full(12, -1))})),
        "has a label -1",
    ),
    "mat empty": (content("a.mat", b""), "cut short within its header"),
    "mat of another kind": (content("a.mat", b"x" * 300), "no MATLAB file of version 5"),
    "mat 7.3": (content("a.mat", b"\x89HDF\r\n\x1a\n" + bytes(300)), "'-v7'"),
    "mat cut": (content("a.mat", mat_bytes(X=IMAGES)[:-20]), "cut short"),
    "mat lying": (content("a.mat", lying_mat((60000, 784))), "needs 47,040,000 bytes"),
    "mat negative": (content("a.mat", lying_mat((-12, 16))), "(-12, 16)"),
    "mat structure": (content("a.mat", mat_bytes(S={"a": 1})), "only a structure"),
    "mat bomb": (content("a.mat", mat_bomb()), "decompression bomb"),
    "mat packed badly": (
        content("a.mat", b"MATLAB 5.0".ljust(124) + b"\x00\x01IM" + struct.pack("<II", 15, 50) + b"x" * 50),
        "is damaged",
    ),
    "csv empty": (content("a.csv", b""), "holds no lines"),
    "csv blank lines": (content("a.csv", b"\n\n \n"), "holds no lines"),
    "csv header only": (content("a.csv", b"label,pixel0\n"), "a header and no rows"),
    "csv words": (content("a.csv", b"1,2\n3,4\n5,six\n"), "line 3, column 2 is 'six', no number"),
    "csv uneven": (content("a.csv", b"1,2,3\n1,2\n"), "line 2 has 2 columns, but the first row has 3"),
    "csv uneven far down": (content("a.csv", b"1,2,3,4,5\n" * 300_000 + b"1,2\n"), "line 300001 has 2 columns"),
    "csv decimal commas": (content("a.csv", b"0,5;0,25\n0,1;0,75\n"), "decimal commas"),
    "csv bytes": (content("a.csv", bytes(range(256)) * 10), "holds zero bytes"),
    "csv one long line": (content("a.csv", b"1," * 3_000_000), "a line of more than 4 MiB"),
    "csv gz bomb": (content("a.csv.gz", gz_of(b"0," * 500_000, 60)), "a line of more than 4 MiB"),
    "csv gz cut": (content("a.csv.gz", gzip.compress(b"1,2\n3,4\n" * 999)[:-9]), "damaged or incomplete gzip"),
    "csv utf-16": (content("a.csv", "1,2\n3,4\n".encode("utf-16")), "UTF-16"),
    "csv too wide": (content("a.csv", b",".join([b"1"] * 10_007) + b"\n"), "rows of"),
    "csv short column": (content("a.csv", b"1\n2\n3\n"), "fewer than the window length 32"),
    "idx gigantic": (content("a.idx3-ubyte", idx_header(4_000_000_000, 28, 28)), "more than the 1024 MiB"),
    "idx cut": (content("a.idx3-ubyte", idx_header(12, 4, 4) + bytes(10)), "is cut short"),
    "idx no images": (content("a.idx3-ubyte", idx_header(0, 4, 4)), "holds no images"),
    "idx floats": (content("a.idx3-ubyte", idx_header(2, 4, 4, kind=13) + bytes(200)), "32-bit floats"),
    "idx gz cut": (
        content("train-images-idx3-ubyte.gz", gzip.compress(idx_header(12, 4, 4) + bytes(192))[:-9]),
        "gzip",
    ),
    "cifar cut": (content("data_batch_1.bin", bytes(3072)), "no multiple of 3,073"),
    "cifar label": (content("data_batch_1.bin", b"\xc8" * 3073), "has a label 200"),
    "pickle of os.system": (content(BATCH, pickled({b"data": _Attack()})), "system"),
    "pickle, protocol 0": (content(BATCH, pickled({"data": _Attack()}, 0)), "system"),
    "pickle, protocol 4": (content(BATCH, pickled({"data": _Attack()}, 4)), "system"),
    "pickle of eval": (content(BATCH, b'c__builtin__\neval\n(S\'open("executed","w")\'\ntR.'), "eval"),
    "pickle of INST": (content(BATCH, b"(S'touch executed'\nios\nsystem\n."), "instruction INST"),
    "pickle of OBJ": (content(BATCH, b"(cos\nsystem\nS'touch executed'\no."), "instruction OBJ"),
    "pickle of a new object": (content(BATCH, pickled({"data": _Stateful()})), "instruction NEWOBJ"),
    "pickle with state": (content(BATCH, proto2(b"cos\nenviron\n}U\x01aK\x01sb")), "os.environ"),
    "pickle of a state for nothing": (content(BATCH, proto2(b"]}b")), "list"),
    "pickle of a persistent object": (content(BATCH, b"Pexecuted\n."), "instruction PERSID"),
    "pickle of an extension": (content(BATCH, proto2(b"\x82\x01")), "pickle"),
    "pickle of numpy's loader": (content(BATCH, b"cnumpy\nload\n(S'a.npy'\ntR."), "numpy.load"),
    "pickle of another class of array": (
        content(BATCH, proto2(b"cnumpy.core.multiarray\n_reconstruct\n(cos\nsystem\nK\x00\x85U\x01btR")),
        "os.system",
    ),
    "pickle of objects in an array": (content(BATCH, pickled({b"data": np.array([_Attack()], object)})), "refused"),
    "pickle that lies about an array": (content(BATCH, lying_array(b"J\x00\x00\x00\x10M\x00\x0c")), "4 bytes for it"),
    "pickle with negative sizes": (
        content(BATCH, lying_array(b"J\xff\xff\xff\xffJ\xfc\xff\xff\xff")),
        "no pickle of plain",
    ),
    "pickle of structured values": (content(BATCH, lying_array(b"K\x01", b"V4")), "'V4'"),
    "pickle of pointers": (content(BATCH, lying_array(b"K\x01", b"O8")), "'O8'"),
    "pickle with an endless hash": (content(BATCH, proto2(b"}", many_tuples(), b"K\x01s")), "no pickle of plain"),
    "pickle with an endless name": (content(BATCH, b"\x80\x04" + many_tuples() + b"h\x00\x93."), "no pickle of plain"),
    "pickle of recoding": (content(BATCH, recoding_bomb()), "far more than its own size"),
    "pickle of many lists": (content(BATCH, proto2(b"(" + b"]" * 20_000_000 + b"l")), "2,000,000 pickle instructions"),
    "pickle of a long text": (content(BATCH, proto2(b"X\xff\xff\xff\x7fabc")), "no pickle of plain"),
    "pickle cut": (content(BATCH, pickled({b"data": ROW})[:-50]), "no pickle of plain"),
    "pickle empty": (content(BATCH, b""), "no pickle of plain"),
    "pickle pops too often": (content(BATCH, proto2(b"000")), "no pickle of plain"),
    "pickle of a list": (content(BATCH, pickled([1, 2])), "holds no dictionary"),
    "pickle of other rows": (content(BATCH, pickled({b"data": ROW[:, :9], b"labels": [1, 2]})), "(images, 3072)"),
    "pickle of labels missing": (content(BATCH, pickled({b"data": ROW, b"labels": [1]})), "1 labels for 2 images"),
    "tar cut": (content("cifar-10-python.tar.gz", tar_of({BATCH: bytes(9000)})[:60]), "archive"),
    "tar of an attack": (content("cifar-10-python.tar.gz", tar_of({BATCH: pickled(_Attack())})), "system"),
    "tar bomb in a header": (content("a.tar.gz", tar_with_attributes(64 << 20)), "at most 8,388,608"),
    "tar of others": (content("a.tar", gzip.decompress(tar_of({"readme": b"hello"}))), "holds no files of CIFAR"),
    "pkl bomb": (content("a.pkl.gz", gz_of(b"]" * 1_000_000, 60)), "2,000,000 pickle instructions"),
}

"""Reading of pickled arrays without unpickling: opcodes are interpreted, and nothing is imported, called or built.

A pickle is a program. This interpreter knows the instructions that make lists, tuples, dictionaries, text, bytes and
numbers; of calls it recognizes by name the few with which NumPy describes an array, and reads their arguments as data.
Every other call, class, object or reference to something outside the file ends the reading. Opcodes, nesting by
copies, and bytes are limited.

Source: Python's ``pickletools``; NumPy's ``ndarray.__reduce__``.
"""

import math
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, get_args

import numpy as np

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.formats.pickle_opcodes import Latin1Text, read_opcodes
from gmstudio.data.importing.formats.stored import Reading

MAX_OPCODES = 2_000_000
MAX_PICKLE_BYTES = 256 << 20
_OPCODES_A_PIECE = 20_000
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")
_NUMBER = re.compile(r"\?|b1|[ui][1248]|f[248]")
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
# fmt: off
_VALUES = frozenset((
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
))
# fmt: on
ByteOrder = Literal["<", ">", "|", "="]


@dataclass(frozen=True)
class _Name:
    """A name that the pickle mentions; it is never looked up."""

    module: str
    name: str


@dataclass
class _Dtype:
    code: str
    order: ByteOrder = "="


@dataclass
class _Pending:
    """An array whose description has not come yet, or that has been filled."""

    values: np.ndarray[Any, np.dtype[Any]] | None = None


class _Mark:
    pass


_MARK = _Mark()


def read_pickle(file: BinaryIO, size: int, origin: str) -> Reading[Any]:
    """Read lists, tuples, dictionaries, text, bytes, numbers and arrays.

    Args:
        file: at the start of the pickle, of any protocol.
        size: its bytes.
        origin: file, for messages.

    Returns:
        Plain values; arrays of numbers as NumPy arrays, read-only.

    Raises:
        DataError: when it holds or does anything else, is damaged or too long.
    """
    if size > MAX_PICKLE_BYTES:
        raise DataError(
            f"{origin} has {size:,} bytes; at most {MAX_PICKLE_BYTES:,} are read as pickled arrays. Use a binary "
            "version."
        )
    machine = _Machine(origin, size)
    count = 0
    for instruction in _opcodes(file, origin):
        if instruction is None or count % _OPCODES_A_PIECE == 0:
            yield min(1.0, count / MAX_OPCODES)
        if instruction is None:
            continue
        count += 1
        if count > MAX_OPCODES:
            raise DataError(f"{origin} has more than {MAX_OPCODES:,} pickle instructions. Use a binary version.")
        try:
            machine.step(*instruction)
        except (IndexError, KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            if isinstance(error, DataError):
                raise
            raise _damaged(origin) from error
    return machine.result()


def _opcodes(file: BinaryIO, origin: str) -> Iterator[tuple[str, Any] | None]:
    try:
        yield from read_opcodes(file)
    except (ValueError, KeyError, IndexError, OverflowError, MemoryError, UnicodeError, struct.error) as error:
        if isinstance(error, DataError):
            raise
        raise _damaged(origin) from error


class _Machine:
    """Stack and memo of one pickle."""

    def __init__(self, origin: str, budget: int) -> None:
        self._origin = origin
        self._budget = 2 * budget  # bytes that recoding of text may make
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._result: tuple[Any] | None = None
        self._plain: dict[str, Callable[[Any], None]] = {
            "MARK": lambda _: self._stack.append(_MARK),
            "EMPTY_LIST": lambda _: self._stack.append([]),
            "EMPTY_TUPLE": lambda _: self._stack.append(()),
            "EMPTY_DICT": lambda _: self._stack.append({}),
            "LIST": lambda _: self._stack.append(self._marked()),
            "TUPLE": lambda _: self._stack.append(tuple(self._marked())),
            "DICT": lambda _: self._stack.append(self._dictionary(self._marked(), {})),
            "TUPLE1": lambda _: self._tuple(1),
            "TUPLE2": lambda _: self._tuple(2),
            "TUPLE3": lambda _: self._tuple(3),
            "APPEND": lambda _: self._extend([self._pop()]),
            "APPENDS": lambda _: self._extend(self._marked()),
            "SETITEM": lambda _: self._set([self._pop(), self._pop()][::-1]),
            "SETITEMS": lambda _: self._set(self._marked()),
            "POP": lambda _: self._stack.pop(),
            "POP_MARK": lambda _: self._marked().clear(),
            "DUP": lambda _: self._stack.append(self._stack[-1]),
            "MEMOIZE": lambda _: self._memo.__setitem__(len(self._memo), self._stack[-1]),
            "GLOBAL": lambda arg: self._stack.append(_Name(*str(arg).split(" ", 1))),
            "STACK_GLOBAL": lambda _: self._stack.append(_Name(*[self._word(self._pop()) for _ in "nm"][::-1])),
            "REDUCE": lambda _: self._reduce(),
            "BUILD": lambda _: self._build(),
            "STOP": lambda _: self._stop(),
            "PROTO": lambda _: None,
            "FRAME": lambda _: None,
        }

    def step(self, name: str, arg: Any) -> None:
        """Follow one instruction."""
        if name in _VALUES:
            self._stack.append(arg)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self._memo[arg] = self._stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            self._stack.append(self._memo[arg])
        elif name in self._plain:
            self._plain[name](arg)
        else:
            raise DataError(
                f"{self._origin} has the pickle instruction {name}, which may run code; only plain arrays, lists and "
                "text are read. Use a version that is not pickled."
            )

    def result(self) -> Any:
        """What the pickle holds, after its last instruction."""
        if self._result is None:
            raise _damaged(self._origin)
        return _resolved(self._result[0])

    def _stop(self) -> None:
        self._result = (self._pop(),)

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise _damaged(self._origin)
        return value

    def _marked(self) -> list[Any]:
        for position in range(len(self._stack) - 1, -1, -1):
            if self._stack[position] is _MARK:
                taken = self._stack[position + 1 :]
                del self._stack[position:]
                return taken
        raise _damaged(self._origin)

    def _tuple(self, count: int) -> None:
        taken = tuple(self._pop() for _ in range(count))
        self._stack.append(taken[::-1])

    def _extend(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not list:
            raise _damaged(self._origin)
        target.extend(values)

    def _set(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not dict:
            raise _damaged(self._origin)
        self._dictionary(items, target)

    def _dictionary(self, items: list[Any], target: dict[Any, Any]) -> dict[Any, Any]:
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | bytes | int):  # the hash of nested tuples could take for ever
                raise _damaged(self._origin)
            target[key] = value
        return target

    def _reduce(self) -> None:
        arguments, called = self._pop(), self._pop()
        if not isinstance(called, _Name) or type(arguments) is not tuple:
            raise self._refused(called)
        place = (called.module, called.name)
        if called.name == "_reconstruct" and called.module in _MULTIARRAY:
            if arguments[0] != _Name("numpy", "ndarray"):
                raise self._refused(arguments[0])
            self._stack.append(_Pending())
        elif place == ("numpy", "dtype"):
            self._stack.append(_Dtype(self._word(arguments[0])))
        elif called.name == "_frombuffer" and called.module in _NUMERIC:
            buffer, dtype, shape, order = arguments
            self._stack.append(_Pending(self._array(shape, dtype, order == "F", buffer)))
        elif called.name == "scalar" and called.module in _MULTIARRAY:
            self._stack.append(self._array((), arguments[0], False, arguments[1]).item())
        elif place == ("_codecs", "encode") and len(arguments) == 2:
            self._stack.append(self._encoded(*arguments))
        elif place in (("__builtin__", "bytes"), ("builtins", "bytes")) and not arguments:
            self._stack.append(b"")  # as Python 3 writes no bytes for Python 2
        else:
            raise self._refused(called)

    def _encoded(self, text: Any, encoding: Any) -> bytes | bytearray:
        """Bytes that Python 3 wrote as text for Python 2."""
        if isinstance(text, Latin1Text) and encoding in ("latin1", "latin-1"):
            return text.content
        if type(text) is not str or encoding not in ("latin1", "latin-1"):
            raise _damaged(self._origin)
        self._budget -= len(text)
        if self._budget < 0:
            raise DataError(f"{self._origin} would unpack to far more than its own size. Use a binary version.")
        return text.encode("latin-1")

    def _build(self) -> None:
        state, target = self._pop(), self._stack[-1]
        if isinstance(target, _Dtype) and type(state) is tuple and len(state) >= 2:
            target.order = self._byte_order(state[1])
        elif isinstance(target, _Pending) and target.values is None and type(state) is tuple and len(state) == 5:
            _, shape, dtype, column_major, buffer = state
            target.values = self._array(shape, dtype, bool(column_major), buffer)
        else:
            raise self._refused(target)

    def _array(self, shape: Any, described: Any, column_major: bool, buffer: Any) -> np.ndarray[Any, np.dtype[Any]]:
        """View of bytes in the pickle as an array, after a comparison of sizes."""
        if not isinstance(described, _Dtype):
            raise self._refused(described)
        if not _NUMBER.fullmatch(described.code):
            raise DataError(
                f"{self._origin} holds an array of type {described.code[:40]!r}; only arrays of numbers are read. Use "
                "a version that is not pickled."
            )
        dtype = np.dtype(described.code).newbyteorder(described.order)
        if isinstance(buffer, str | Latin1Text):  # Python 2's bytes
            buffer = self._encoded(buffer, "latin1")
        sizes = tuple(shape)
        valid = all(type(size) is int and size >= 0 for size in sizes) and len(sizes) <= 32
        if not valid or not isinstance(buffer, bytes | bytearray):
            raise _damaged(self._origin)
        if math.prod(sizes) * dtype.itemsize != len(buffer):
            raise DataError(
                f"{self._origin} promises an array of {sizes} values of {dtype.itemsize} bytes and holds "
                f"{len(buffer):,} bytes for it. Get it again."
            )
        flat = np.frombuffer(buffer, dtype)
        flat.flags.writeable = False
        return flat.reshape(sizes, order="F" if column_major else "C")

    def _word(self, value: Any) -> str:
        if isinstance(value, bytes):
            value = value.decode("ascii", "replace")
        if type(value) is not str:
            raise _damaged(self._origin)
        return value

    def _byte_order(self, value: Any) -> ByteOrder:
        orders: tuple[ByteOrder, ...] = get_args(ByteOrder)
        for order in orders:
            if order == self._word(value):
                return order
        raise _damaged(self._origin)

    def _refused(self, what: Any) -> DataError:
        named = f"{what.module}.{what.name}"[:100] if isinstance(what, _Name) else type(what).__name__.strip("_")
        return DataError(
            f"{self._origin} asks to call or build {named}, which may run code and is refused; only plain arrays, "
            "lists and text are read. Use a version that is not pickled."
        )


def _resolved(value: Any) -> Any:
    """Arrays instead of their descriptions, in the values of a dictionary or list at the top and one level below."""
    if isinstance(value, _Pending):
        return value.values
    if type(value) is dict:
        return {key: _resolved_item(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_resolved_item(item) for item in value)
    return value


def _resolved_item(item: Any) -> Any:
    if isinstance(item, _Pending):
        return item.values
    if type(item) is tuple and len(item) <= 8:
        return tuple(part.values if isinstance(part, _Pending) else part for part in item)
    return item


def _damaged(origin: str) -> DataError:
    return DataError(f"{origin} is no pickle of plain arrays, or is damaged. Get it again, or use a binary version.")

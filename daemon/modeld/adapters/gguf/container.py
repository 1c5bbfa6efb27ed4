"""The container format GGUF: the properties and the tensors that a file's header lists, read without trusting it.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little endian. Nothing is allocated
by a count that the file claims: arrays are skipped where they lie, every length is checked against what is left, and
what is kept or walked has a limit far above any model there is, so that a hostile file costs neither memory nor time.
"""

import math
import mmap
import re
import struct
from typing import NamedTuple

from modeld.protocol import sampling
from modeld.protocol.errors import Failure, FailureError
from modeld.protocol.reasons import Reason

MAX_HEADER_BYTES = 128 * 1024 * 1024
MAX_PAIRS = 4096
MAX_TENSORS = 65_536
MAX_NAME_BYTES = 1024
MAX_TEXT_BYTES = 65_535
MAX_NESTING = 4
MAX_NESTED = 1000
MAX_READ = 4096
"""Numbers in an array that are looked at: one for each layer, not one for each token."""
MAX_DIMENSIONS = 4
MAX_ELEMENTS = 2**63 - 1
"""Of one tensor, as ggml limits it."""

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")

_SCALARS = {kind: struct.Struct(f"<{form}") for kind, form in enumerate("BbHhIif?  Qqd") if form != " "}
"""Property type -> its format; 8 and 9 are the strings and the arrays."""
_UINT32, _STRING, _ARRAY = 4, 8, 9

_TENSOR_TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18), 42: ("Q2_0", 64, 18),
}  # fmt: skip
"""Tensor type -> name, elements in a block, bytes of a block (ggml.h, ggml-common.h)."""

_DATA_ALIGNMENT = 32
"""Where llama.cpp can map the data of the tensors: it aborts elsewhere (ggml-backend.cpp, TENSOR_ALIGNMENT)."""

_UNKNOWN_TYPE = ("unknown", 8, 1)
"""A type newer than this table: it takes at least one bit for each element."""

_KEPT_TEXTS = frozenset({"general.architecture", "general.name", "general.type", "adapter.type"})

_BATCH = 100
_LENGTHS = sorted(range(128), key=lambda length: abs(length - 6))
_SHORT_TEXTS = re.compile(
    b"(?s)(?:" + b"|".join(re.escape(bytes([n])) + b"\\0{7}.{%d}" % n for n in _LENGTHS) + b"){%d}+" % _BATCH
)
"""``_BATCH`` strings shorter than 128 bytes, each after its length, the usual lengths first: walks a vocabulary at
twice the speed of a loop. Possessive, so it keeps no way back and costs no memory."""

Data = bytes | memoryview | mmap.mmap
Value = int | float | bool | str | None
"""A scalar or a string; None for what was passed without being read."""


class GgufError(FailureError):
    """The file is not a usable GGUF model; ``failure`` says what is wrong and where."""


class NeedMoreError(GgufError):
    """The header continues after the bytes that were given: at least ``count`` bytes are needed.

    In the fields of a reason, a number that may need more than 64 bits is text: not every JSON reader takes it.
    """

    def __init__(self, position: int, count: int, failure: Failure | None = None) -> None:
        super().__init__(failure or Reason.GGUF_HEADER_CUT.failure(position=position, count=str(count)))
        self.count = position + count


class _Reader:
    """A position in the bytes; every step checks that it stays inside."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self._length = min(len(data), MAX_HEADER_BYTES)
        self.position = 0
        self.nested = 0

    def skip(self, count: int) -> int:
        """Go ``count`` bytes on; returns where they begin."""
        start = self.position
        if count > self._length - start:
            if self._length < len(self._data):
                raise GgufError(Reason.GGUF_HEADER_TOO_LONG.failure(most=MAX_HEADER_BYTES))
            raise NeedMoreError(start, count)
        self.position = start + count
        return start

    def coming_length(self) -> int:
        """The length of the array that begins here; nothing is passed."""
        start = self.skip(12)
        self.position = start
        length: int = _U64.unpack_from(self._data, start + 4)[0]
        return length

    def number(self, form: struct.Struct) -> int:
        """One number of this form."""
        value: int = form.unpack_from(self._data, self.skip(form.size))[0]
        return value

    def numbers(self, form: struct.Struct, count: int) -> tuple[int, ...]:
        """``count`` numbers of this form."""
        start = self.skip(count * form.size)
        return struct.unpack_from(f"<{count}{form.format[-1]}", self._data, start)

    def text(self, limit: int) -> str:
        """One string of at most ``limit`` bytes."""
        length = self.number(_U64)
        if length > limit:
            raise GgufError(Reason.GGUF_TEXT_TOO_LONG.failure(position=self.position, length=length))
        start = self.skip(length)
        return bytes(self._data[start : start + length]).decode("utf-8", "replace")

    def skip_texts(self, count: int) -> None:
        """Pass ``count`` strings, as fast as Python can: this is the vocabulary, 150,000 of them and more."""
        if count * 8 > self._length - self.position:
            failure = Reason.GGUF_LIST_TOO_LONG.failure(position=self.position, count=count)
            raise NeedMoreError(self.position, count * 8, failure)
        position, data, unpack = self.position, self._data, _U64.unpack_from
        while count:
            batch = min(count, _BATCH)
            short = _SHORT_TEXTS.match(data, position) if batch == _BATCH else None
            if short is not None:
                position = short.end()
            else:
                for _ in range(batch):
                    position += 8 + (unpack(data, position)[0] if position <= self._length - 8 else self._length)
            if position > self._length:
                failure = Reason.GGUF_LIST_PAST_END.failure(position=self.position)
                raise NeedMoreError(self._length, 1, failure)
            count -= batch
        self.position = position


class Container:
    """The header in ``data``, the beginning of a file of ``file_bytes``: its properties first, then its tensors.

    Raises:
        NeedMoreError: it continues after the end of ``data``; so do both methods.
        GgufError: it is not a GGUF header, is damaged, or claims more than the file holds; so do both methods.
    """

    def __init__(self, data: Data, file_bytes: int) -> None:
        self.file_bytes = file_bytes
        self.values: dict[str, Value] = {}
        """The scalars and the strings by key; of a short array of numbers its largest."""
        self.lengths: dict[str, int] = {}
        """The lengths of the arrays by key."""
        self.tensors = 0
        """How many tensors there are."""
        self.elements = 0
        """Of all tensors together."""
        self.dominant_type = ""
        """The tensor type that most elements are of."""
        self._reader = reader = _Reader(data)
        if len(data) < 4:
            raise NeedMoreError(len(data), 24 - len(data))
        if data[:4] != b"GGUF":
            raise GgufError(Reason.GGUF_MAGIC_MISSING.failure(begin=repr(bytes(data[:4]))))
        reader.position = 4
        version = reader.number(_U32)
        if version not in (2, 3):
            swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
            if swapped in (2, 3):
                raise GgufError(Reason.GGUF_BIG_ENDIAN.failure())
            raise GgufError(Reason.GGUF_VERSION_UNKNOWN.failure(version=version))
        self.tensors, self._pairs = reader.number(_U64), reader.number(_U64)
        room = min(self.tensors, MAX_TENSORS) * 24 + min(self._pairs, MAX_PAIRS) * 13
        if self.tensors > MAX_TENSORS or self._pairs > MAX_PAIRS or room > file_bytes:
            raise GgufError(Reason.GGUF_COUNTS_TOO_LARGE.failure(tensors=self.tensors, properties=self._pairs))

    def read_properties(self) -> None:
        """Fill in ``values`` and ``lengths``; what was read before an error stays."""
        for _ in range(self._pairs):
            key = self._reader.text(MAX_NAME_BYTES)
            if key in self.values:
                raise GgufError(Reason.GGUF_PROPERTY_TWICE.failure(name=key))
            kind = self._reader.number(_U32)
            if key == "general.alignment" and kind != _UINT32:
                raise GgufError(Reason.GGUF_ALIGNMENT_TYPE.failure(type=kind))
            if kind == _ARRAY:
                self.lengths[key] = self._reader.coming_length()
                self.values[key] = _array(self._reader, MAX_NESTING)
            else:
                self.values[key] = _value(self._reader, key, kind)

    def read_tensors(self) -> None:
        """Fill in ``elements`` and ``dominant_type``, and check that the tensors lie in the file as llama.cpp asks."""
        alignment = self._alignment()
        elements: dict[int, int] = {}
        names: set[str] = set()
        last = 0
        expected: int | None = 0  # None after a type whose size is not known
        for _ in range(self.tensors):
            tensor = _tensor(self._reader, alignment)
            if tensor.name in names:
                raise GgufError(Reason.GGUF_TENSOR_TWICE.failure(name=tensor.name))
            if tensor.offset != expected and expected is not None:
                raise GgufError(
                    Reason.GGUF_TENSOR_NOT_NEXT.failure(
                        name=tensor.name, offset=str(tensor.offset), expected=str(expected)
                    )
                )
            names.add(tensor.name)
            elements[tensor.kind] = elements.get(tensor.kind, 0) + tensor.elements
            last = max(last, tensor.end)
            expected = _padded(tensor.end, alignment) if tensor.kind in _TENSOR_TYPES else None
        self._check_place(_padded(self._reader.position, alignment), last)
        dominant = max(elements, key=lambda kind: elements[kind], default=0)
        self.elements = sum(elements.values())
        self.dominant_type = _TENSOR_TYPES.get(dominant, (f"type {dominant}", 1, 1))[0]

    def _alignment(self) -> int:
        alignment = self.values.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1):
            raise GgufError(Reason.GGUF_ALIGNMENT_INVALID.failure(alignment=repr(alignment)))
        return alignment

    def _check_place(self, start: int, length: int) -> None:
        """Check that ``length`` bytes of data can be mapped at ``start``."""
        if not self.tensors:
            return
        if start + length > self.file_bytes:
            raise GgufError(Reason.GGUF_CUT_OFF.failure(size=self.file_bytes, needed=str(start + length)))
        if start % _DATA_ALIGNMENT:
            raise GgufError(Reason.GGUF_DATA_MISPLACED.failure(position=start, alignment=_DATA_ALIGNMENT))


class _Tensor(NamedTuple):
    """A tensor's description; its data lies from ``offset`` to ``end`` after the header."""

    name: str
    kind: int
    elements: int
    offset: int
    end: int


def _padded(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment


def _value(reader: _Reader, key: str, kind: int) -> Value:
    if kind == _STRING:
        if key in _KEPT_TEXTS or key.startswith(sampling.PREFIX):
            return reader.text(MAX_TEXT_BYTES)
        reader.skip(reader.number(_U64))
        return None
    form = _SCALARS.get(kind)
    if form is None:
        raise GgufError(Reason.GGUF_PROPERTY_TYPE_UNKNOWN.failure(position=reader.position, type=kind))
    return reader.number(form)


def _array(reader: _Reader, nesting: int) -> Value:
    """Pass an array; returns, for a short one of numbers, its largest."""
    kind, count = reader.number(_U32), reader.number(_U64)
    if kind == _STRING:
        reader.skip_texts(count)
        return None
    if kind == _ARRAY:
        reader.nested += count
        if nesting == 0 or reader.nested > MAX_NESTED:
            raise GgufError(Reason.GGUF_ARRAYS_TOO_DEEP.failure(position=reader.position))
        for _ in range(count):
            _array(reader, nesting - 1)
        return None
    form = _SCALARS.get(kind)
    if form is None:
        raise GgufError(Reason.GGUF_ARRAY_TYPE_UNKNOWN.failure(position=reader.position, type=kind))
    if 0 < count <= MAX_READ:
        return max(reader.numbers(form, count))
    reader.skip(count * form.size)
    return None


def _tensor(reader: _Reader, alignment: int) -> _Tensor:
    """Pass a tensor's description."""
    name = reader.text(MAX_NAME_BYTES)
    dimensions = reader.number(_U32)
    if dimensions > MAX_DIMENSIONS:
        raise GgufError(Reason.GGUF_TENSOR_DIMENSIONS.failure(name=name, dimensions=dimensions))
    shape = [reader.number(_U64) for _ in range(dimensions)] or [1]
    elements = math.prod(shape)
    if elements > MAX_ELEMENTS:
        raise GgufError(Reason.GGUF_TENSOR_TOO_LARGE.failure(name=name, elements=str(elements)))
    kind, offset = reader.number(_U32), reader.number(_U64)
    if offset % alignment:
        raise GgufError(Reason.GGUF_TENSOR_MISPLACED.failure(name=name, offset=offset, alignment=alignment))
    _, block, block_bytes = _TENSOR_TYPES.get(kind, _UNKNOWN_TYPE)
    if kind in _TENSOR_TYPES and shape[0] % block:
        raise GgufError(Reason.GGUF_TENSOR_ROWS.failure(name=name, columns=str(shape[0]), block=block))
    return _Tensor(name, kind, elements, offset, offset + -(-elements // block) * block_bytes)

"""The header of a GGUF file: what model it holds, read without loading it.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little endian. Nothing is allocated
by a count that the file claims: arrays are skipped where they lie, every length is checked against what is left, and
what is kept or walked has a limit far above any model there is, so that a hostile file costs neither memory nor time.
"""

import mmap
import re
import struct
from collections.abc import Callable
from pathlib import Path

import msgspec

from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason
from modeld.protocol.views import HeaderView

MAX_HEADER_BYTES = 128 * 1024 * 1024
MAX_PAIRS = 4096
MAX_TENSORS = 65_536
MAX_NAME_BYTES = 1024
MAX_TEXT_BYTES = 65_535
MAX_NESTING = 4
MAX_NESTED = 1000
MAX_READ = 4096
"""Numbers in an array that are looked at: one for each layer, not one for each token."""
MAX_PARTS = 999
MAX_DIMENSIONS = 4
MAX_ELEMENTS = 2**63 - 1
"""Of one tensor, as ggml limits it."""

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")

_SCALARS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: _U32,
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: _U64,
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_STRING, _ARRAY = 8, 9

_TENSOR_TYPES = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36),
    41: ("Q1_0", 128, 18),
}
"""Tensor type -> name, elements in a block, bytes of a block (ggml.h, ggml-common.h)."""

_UNKNOWN_TYPE = ("unknown", 8, 1)
"""A type newer than this table: it takes at least one bit for each element."""

_FILE_TYPES = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4_MOE",
    39: "NVFP4",
    40: "Q1_0",
}
"""``general.file_type`` -> name (llama.h, llama_ftype)."""

PART_NAME = re.compile(r"(?P<stem>.+)-(?P<part>\d{5})-of-(?P<parts>\d{5})\.gguf", re.IGNORECASE)
"""A file of a model in several, as llama.cpp's gguf-split names them; it finds the others by this name."""

FIRST_WINDOW = 256 * 1024
LAST_WINDOW = 32 * 1024 * 1024
"""How much of a remote file is asked for at first, and the most there is of its header before that is given up."""

_KEPT_TEXTS = frozenset({"general.architecture", "general.name"})

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


class GgufError(Exception):
    """The file is not a usable GGUF model; ``failure`` says what is wrong and where."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class NeedMoreError(GgufError):
    """The header continues after the bytes that were given: at least ``count`` bytes are needed."""

    def __init__(self, position: int, count: int, failure: Failure | None = None) -> None:
        super().__init__(failure or Reason.GGUF_HEADER_CUT.failure(position=position, count=count))
        self.count = position + count


def read_model(path: Path) -> HeaderView:
    """The header of the model that begins in the file at ``path``; of one in several files all are looked at.

    Raises:
        GgufError: as ``read_header``; the file is a part but not the first, or a part is missing or of another model.
    """
    header = read_header(path)
    if header.parts == 1:
        return header
    named = PART_NAME.fullmatch(path.name)
    if header.part > 1:
        first = part_path(path, named, 1, header.parts) if named else path
        raise GgufError(Reason.NOT_THE_FIRST_PART.failure(part=header.part, parts=header.parts, first=first.name))
    if named is None or int(named["parts"]) != header.parts:
        raise GgufError(Reason.PARTS_NOT_NAMED.failure(name=path.name, parts=header.parts))
    found = [header]
    for number in range(2, header.parts + 1):
        other = part_path(path, named, number, header.parts)
        if not other.is_file():
            raise GgufError(Reason.PART_MISSING.failure(part=number, parts=header.parts, path=str(other)))
        part = read_header(other)
        if (part.part, part.parts) != (number, header.parts):
            raise GgufError(Reason.PART_OF_ANOTHER_MODEL.failure(name=other.name, part=part.part, parts=part.parts))
        found.append(part)
    return together(found)


def part_path(path: Path, named: "re.Match[str]", number: int, parts: int) -> Path:
    """Where another part of the same model lies."""
    return path.with_name(f"{named['stem']}-{number:05}-of-{parts:05}.gguf")


def together(headers: list[HeaderView]) -> HeaderView:
    """One header for a model in several files, from those of its files in their order."""
    return msgspec.structs.replace(
        headers[0],
        parameters=sum(header.parameters for header in headers),
        file_bytes=sum(header.file_bytes for header in headers),
    )


def read_remote(fetch: Callable[[int, int], bytes], file_bytes: int) -> HeaderView:
    """What the header of a file elsewhere says of its memory: ``fetch`` gives the bytes of a range of it.

    Little is asked for at first and more where that is not enough. The vocabulary and the tensors, the larger part of a
    header, are not needed: a header without them has 0 ``parameters``.

    Raises:
        GgufError: as ``parse_header``; whatever ``fetch`` raises goes through.
    """
    window, data = min(FIRST_WINDOW, file_bytes), bytearray()
    while True:
        data += fetch(len(data), window)
        try:
            return parse_header(bytes(data), file_bytes, partial=True)
        except NeedMoreError as short:
            if len(data) < window or window in (file_bytes, LAST_WINDOW) or short.count > file_bytes:
                raise
            window = min(max(4 * window, short.count), file_bytes, LAST_WINDOW)


def read_header(path: Path) -> HeaderView:
    """The header of the file at ``path``, be it a model or a part of one.

    Raises:
        GgufError: the file cannot be read, is not a GGUF file, is damaged, or is shorter than its tensors need.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size < 24:
                raise GgufError(Reason.GGUF_TOO_SMALL.failure(path=str(path), size=size))
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return parse_header(data, size)
    except (OSError, ValueError) as error:
        raise GgufError(Reason.GGUF_NOT_READABLE.failure(path=str(path), error=str(error))) from error


def parse_header(data: Data, file_bytes: int, *, partial: bool = False) -> HeaderView:
    """The header in ``data``, of a file of ``file_bytes`` (``data`` may be just its beginning).

    Of a model in several files this is the first one's; its parameters and bytes are those of that file alone. With
    ``partial`` it need not be all there, as long as the properties before the vocabulary are.

    Raises:
        NeedMoreError: it continues after the end of ``data``.
        GgufError: it is not a GGUF header, is damaged or incomplete, or claims more than the file holds.
    """
    reader = _Reader(data)
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
    tensors, pairs = reader.number(_U64), reader.number(_U64)
    room = min(tensors, MAX_TENSORS) * 24 + min(pairs, MAX_PAIRS) * 13
    if tensors > MAX_TENSORS or pairs > MAX_PAIRS or room > file_bytes:
        raise GgufError(Reason.GGUF_COUNTS_TOO_LARGE.failure(tensors=tensors, properties=pairs))
    values: dict[str, Value] = {}
    lengths: dict[str, int] = {}
    try:
        _properties(reader, pairs, values, lengths)
    except NeedMoreError:
        if not partial or "tokenizer.ggml.tokens" not in lengths:
            raise
        return _view(values, lengths, 0, "", file_bytes)
    if partial and "general.file_type" in values:
        return _view(values, lengths, 0, "", file_bytes)
    parameters, dominant = _tensors(reader, tensors, values, file_bytes)
    return _view(values, lengths, parameters, dominant, file_bytes)


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


def _properties(reader: _Reader, pairs: int, values: dict[str, Value], lengths: dict[str, int]) -> None:
    """Fill in the properties: scalars and strings by key, and the lengths of the arrays."""
    for _ in range(pairs):
        key = reader.text(MAX_NAME_BYTES)
        if key in values:
            raise GgufError(Reason.GGUF_PROPERTY_TWICE.failure(name=key))
        kind = reader.number(_U32)
        if kind == _ARRAY:
            lengths[key] = reader.coming_length()
            values[key] = _array(reader, MAX_NESTING)
        else:
            values[key] = _value(reader, key, kind)


def _value(reader: _Reader, key: str, kind: int) -> Value:
    if kind == _STRING:
        if key in _KEPT_TEXTS:
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


def _tensors(reader: _Reader, count: int, values: dict[str, Value], file_bytes: int) -> tuple[int, str]:
    """Pass the tensors' descriptions: how many elements they have, and the type that most of them are of."""
    alignment = values.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1):
        raise GgufError(Reason.GGUF_ALIGNMENT_INVALID.failure(alignment=repr(alignment)))
    elements: dict[int, int] = {}
    last = 0
    for _ in range(count):
        name = reader.text(MAX_NAME_BYTES)
        dimensions = reader.number(_U32)
        if dimensions > MAX_DIMENSIONS:
            raise GgufError(Reason.GGUF_TENSOR_DIMENSIONS.failure(name=name, dimensions=dimensions))
        size = 1
        for _ in range(dimensions):
            size *= reader.number(_U64)
        if size > MAX_ELEMENTS:
            raise GgufError(Reason.GGUF_TENSOR_TOO_LARGE.failure(name=name, elements=str(size)))
        kind, offset = reader.number(_U32), reader.number(_U64)
        if offset % alignment:
            raise GgufError(Reason.GGUF_TENSOR_MISPLACED.failure(name=name, offset=offset, alignment=alignment))
        _, block, block_bytes = _TENSOR_TYPES.get(kind, _UNKNOWN_TYPE)
        last = max(last, offset + -(-size // block) * block_bytes)
        elements[kind] = elements.get(kind, 0) + size
    start = -(-reader.position // alignment) * alignment
    if count and start + last > file_bytes:
        raise GgufError(Reason.GGUF_CUT_OFF.failure(size=file_bytes, needed=str(start + last)))
    dominant = max(elements, key=lambda kind: elements[kind], default=0)
    return sum(elements.values()), _TENSOR_TYPES.get(dominant, (f"type {dominant}", 1, 1))[0]


def _view(
    values: dict[str, Value], lengths: dict[str, int], parameters: int, dominant: str, file_bytes: int
) -> HeaderView:
    architecture = values.get("general.architecture")
    part, parts = values.get("split.no"), values.get("split.count")
    part = part + 1 if isinstance(part, int) and isinstance(parts, int) and 0 <= part < parts <= MAX_PARTS else 1
    parts = parts if isinstance(parts, int) and 1 < parts <= MAX_PARTS else 1
    if not isinstance(architecture, str) or not architecture:
        if part > 1:
            return HeaderView(
                architecture="",
                parameters=parameters,
                quantization=dominant,
                file_bytes=file_bytes,
                part=part,
                parts=parts,
            )
        raise GgufError(Reason.GGUF_ARCHITECTURE_MISSING.failure())

    def number(name: str, otherwise: int = 0) -> int:
        value = values.get(f"{architecture}.{name}")
        return int(value) if isinstance(value, int | float) and 0 <= value < 2**48 else otherwise

    name = values.get("general.name")
    file_type = values.get("general.file_type")
    heads = number("attention.head_count")
    embedding = number("embedding_length")
    per_head = embedding // heads if heads else 0
    return HeaderView(
        architecture=architecture,
        name=name if isinstance(name, str) else "",
        parameters=parameters,
        quantization=_FILE_TYPES.get(file_type, dominant) if isinstance(file_type, int) else dominant,
        context_length=number("context_length"),
        layers=number("block_count"),
        embedding_length=embedding,
        heads=heads,
        heads_kv=number("attention.head_count_kv", heads),
        key_length=number("attention.key_length", per_head),
        value_length=number("attention.value_length", per_head),
        sliding_window=number("attention.sliding_window"),
        vocabulary=lengths.get("tokenizer.ggml.tokens", 0),
        chat_template="tokenizer.chat_template" in values,
        file_bytes=file_bytes,
        part=part,
        parts=parts,
    )

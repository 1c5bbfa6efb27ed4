"""What model a GGUF file holds, by its header; a model may be split into several files."""

import mmap
import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from modeld.adapters.gguf.container import Container, Data, GgufError, NeedMoreError
from modeld.adapters.gguf.kind import kind_of
from modeld.protocol import sampling
from modeld.protocol.reasons import Reason
from modeld.protocol.states import ModelKind
from modeld.protocol.views import HeaderView, SamplingSetting

MAX_PARTS = 999

MAX_SETTING = 200
"""Characters of a sampling setting that are shown."""

_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE", 39: "NVFP4",
    40: "Q1_0", 41: "Q2_0",
}  # fmt: skip
"""``general.file_type`` -> name (llama.h, llama_ftype)."""

PART_NAME = re.compile(r"(?P<stem>.+)-(?P<part>\d{5})-of-(?P<parts>\d{5})\.gguf", re.IGNORECASE)
"""A file of a model in several, as llama.cpp's gguf-split names them; it finds the others by this name."""

FIRST_WINDOW = 256 * 1024
LAST_WINDOW = 32 * 1024 * 1024
"""How much of a remote file is asked for at first, and the most there is of its header before that is given up."""


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
    container = Container(data, file_bytes)
    try:
        container.read_properties()
    except NeedMoreError:
        if not partial or "tokenizer.ggml.tokens" not in container.lengths:
            raise
        return _described(container)
    if not partial or "general.file_type" not in container.values:
        container.read_tensors()
    return _described(container)


def _described(container: Container) -> HeaderView:
    """The model by its properties."""
    values = container.values
    architecture = values.get("general.architecture")
    part, parts = values.get("split.no"), values.get("split.count")
    part = part + 1 if isinstance(part, int) and isinstance(parts, int) and 0 <= part < parts <= MAX_PARTS else 1
    parts = parts if isinstance(parts, int) and 1 < parts <= MAX_PARTS else 1
    architecture = architecture if isinstance(architecture, str) else ""
    kind = kind_of(architecture, values, container.lengths)
    if kind is ModelKind.TEXT and not container.tensors and parts == 1:
        kind = ModelKind.VOCABULARY
    if not architecture:
        if part > 1 or kind is not ModelKind.OTHER:  # the statistics of an importance matrix have none
            return HeaderView(
                architecture="",
                parameters=container.elements,
                quantization=container.dominant_type,
                file_bytes=container.file_bytes,
                part=part,
                parts=parts,
                kind=ModelKind.TEXT if part > 1 else kind,
            )
        raise GgufError(Reason.GGUF_ARCHITECTURE_MISSING.failure())

    def number(name: str, otherwise: int = 0) -> int:
        value = values.get(f"{architecture}.{name}")
        return int(value) if isinstance(value, int | float) and 0 <= value < 2**48 else otherwise

    name = values.get("general.name")
    file_type, dominant = values.get("general.file_type"), container.dominant_type
    heads = number("attention.head_count")
    embedding = number("embedding_length")
    per_head = embedding // heads if heads else 0
    return HeaderView(
        architecture=architecture,
        name=name if isinstance(name, str) else "",
        parameters=container.elements,
        quantization=_FILE_TYPES.get(file_type, dominant) if isinstance(file_type, int) else dominant,
        context_length=number("context_length"),
        layers=number("block_count"),
        embedding_length=embedding,
        heads=heads,
        heads_kv=number("attention.head_count_kv", heads),
        key_length=number("attention.key_length", per_head),
        value_length=number("attention.value_length", per_head),
        sliding_window=number("attention.sliding_window"),
        vocabulary=container.lengths.get("tokenizer.ggml.tokens", 0),
        chat_template="tokenizer.chat_template" in values,
        file_bytes=container.file_bytes,
        part=part,
        parts=parts,
        kind=kind,
        sampling=_sampling(container),
    )


def _sampling(container: Container) -> list[SamplingSetting]:
    """The file's sampling settings; a value that cannot be read is empty."""
    found = []
    for name in sampling.NAMES:
        if (key := sampling.PREFIX + name) in container.values:
            value = container.values[key] if key not in container.lengths else None
            text = f"{value:g}" if isinstance(value, float) else str("" if value is None else value)[:MAX_SETTING]
            found.append(SamplingSetting(name=name, value=text, applied=sampling.applied(name, text) is not None))
    return found

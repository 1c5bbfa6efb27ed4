"""The sampling settings that a GGUF file can have, and what applies where neither it nor the request says a value.

The names are those of llama.cpp after ``general.sampling.`` (llama-arch.cpp; llama.h, llama_model_meta_key).
"""

from collections.abc import Mapping

import msgspec

from modeld.protocol.requests import Sampling

PREFIX = "general.sampling."


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A value for each setting; the defaults are modeld's own."""

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64


class FileSetting(msgspec.Struct, frozen=True):
    """The field of ``Settings`` that a file's setting is for, and the values that are applied."""

    field: str
    kind: type[int] | type[float]
    least: float
    most: float


APPLIED = {
    "temp": FileSetting("temperature", float, 0, 100),
    "top_k": FileSetting("top_k", int, -1, 2**31 - 1),
    "top_p": FileSetting("top_p", float, 0, 1),
    "min_p": FileSetting("min_p", float, 0, 1),
    "penalty_repeat": FileSetting("repeat_penalty", float, 0.001, 1000),
    "penalty_last_n": FileSetting("repeat_last_n", int, -1, 2**31 - 1),
}
"""Name in the file -> its meaning. ``top_k`` -1 is every token, as 0 is."""

NAMES = (
    *APPLIED,
    *("sequence", "xtc_probability", "xtc_threshold", "mirostat", "mirostat_tau", "mirostat_eta"),
)
"""All names; the last six are not applied."""


def applied(name: str, text: str) -> float | None:
    """The value of a file's setting written as ``text``; None if it is not applied."""
    setting = APPLIED.get(name)
    try:
        value = float(text)
    except ValueError:
        return None
    return setting.kind(value) if setting is not None and setting.least <= value <= setting.most else None


def settings(asked: Sampling, file: Mapping[str, str]) -> Settings:
    """The value of each setting: the request's, else the file's (``file`` maps name to text), else modeld's."""
    values = {APPLIED[name].field: value for name, text in file.items() if (value := applied(name, text)) is not None}
    for field in Settings.__struct_fields__:
        if (value := getattr(asked, field)) is not None:
            values[field] = value
    return msgspec.structs.replace(Settings(), **values)

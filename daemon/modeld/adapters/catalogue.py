"""The built-in catalogue: the models that are known from the start, as a data file."""

import importlib.util
import tomllib
from importlib import resources
from pathlib import Path

import msgspec

from modeld.core.state.model import ModelSpec


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """One ``[key]`` table of catalogue.toml."""

    name: str
    description: str
    source: str
    context_length: int
    size_bytes: int = 0
    sha256: str = ""


def read() -> list[ModelSpec]:
    """The catalogue's models in its order. One that an installed package brings is used in place."""
    text = resources.files("modeld").joinpath("catalogue.toml").read_text(encoding="utf-8")
    entries = msgspec.convert(tomllib.loads(text), dict[str, Entry])
    return [
        ModelSpec(
            key=key,
            source=entry.source,
            file_name="" if entry.source.startswith("package:") else entry.source.rsplit(":", 1)[-1],
            path=_in_package(entry.source),
            display_name=entry.name,
            description=entry.description,
            size_bytes=entry.size_bytes,
            sha256=entry.sha256,
            context_length=entry.context_length,
            builtin=True,
        )
        for key, entry in entries.items()
    ]


def _in_package(source: str) -> str:
    """The file of ``package:NAME:FILE`` where that package is installed, else empty."""
    if not source.startswith("package:"):
        return ""
    _, package, file_name = source.split(":")
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        return ""
    return str(Path(found.submodule_search_locations[0]) / file_name)

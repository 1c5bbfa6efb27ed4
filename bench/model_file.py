"""A model file of any size to serve in a benchmark of downloads."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from support import sample_model

MIB = 2**20


@dataclass(frozen=True)
class ModelFile:
    """A file in the served folder."""

    name: str
    size: int
    sha256: str


def make(folder: Path, size: int) -> ModelFile:
    """A model of ``size`` bytes that cannot be compressed."""
    path = folder / f"model-{size}.gguf"
    shutil.copyfile(sample_model.q4(), path)
    with path.open("ab") as file:
        left = size - file.tell()
        while left > 0:
            left -= file.write(os.urandom(min(left, 16 * MIB)))
    with path.open("rb") as file:
        return ModelFile(path.name, size, hashlib.file_digest(file, "sha256").hexdigest())

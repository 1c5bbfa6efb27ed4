"""The models in a hub's repository: grouped from its files, and the one that a source means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from modeld.core.downloads.parts import PART_NAME
from modeld.core.downloads.source import HubSource
from modeld.core.facts import RemoteFile
from modeld.protocol.errors import Failure
from modeld.protocol.reasons import Reason

_NO_MODEL = re.compile(r"(^|[-._/])(mmproj|imatrix)([-._]|$)", re.IGNORECASE)
"""Files beside models: projectors of images, statistics that quantizing used."""

_QUANTIZATION = re.compile(
    r"(?<![a-z0-9])((?:ud-)?(?:iq[1-4]_(?:xxs|xs|s|m|nl)|q[2-8]_k_(?:xxs|xs|s|m|l|xl)|q[2-8]_k|q[1-8]_[01](?:_\d_\d)?"
    r"|q[1-8]|tq[12]_0|mxfp4(?:_moe)?|nvfp4|bf16|fp?16|fp?32))(?![a-z0-9])",
    re.IGNORECASE,
)

PREFERRED = (
    *(
        "Q4_K_M",
        "UD-Q4_K_XL",
        "Q4_K_L",
        "Q4_K_S",
        "Q4_K",
        "IQ4_NL",
        "IQ4_XS",
        "Q4_0",
        "Q4_1",
        "Q4",
        "MXFP4_MOE",
        "MXFP4",
    ),
    *("Q5_K_M", "Q5_K_L", "Q5_K_S", "Q5_K", "Q5_0", "Q5_1", "Q6_K", "Q6_K_L", "Q8_0", "Q8_K_XL"),
    *("Q3_K_L", "Q3_K_XL", "Q3_K_M", "IQ3_M", "Q3_K_S", "IQ3_S", "IQ3_XS", "IQ3_XXS"),
    *("Q2_K_L", "Q2_K", "IQ2_M", "IQ2_S", "IQ2_XS", "IQ2_XXS", "IQ1_M", "IQ1_S"),
)
"""Which quantization is chosen if the source names none. Four bits lose little quality and need half the memory of
eight. More bits come before fewer, since whether they fit is checked separately; 16 and 32 bits come last."""

_OVERHEAD = 1.15
"""Memory of a loaded model as a rough multiple of its file, to choose a file by; ``fit`` has the real estimate."""


@dataclass(frozen=True)
class Bundle:
    """One model of a repository: a file, or all the parts of one in their order; ``parts`` of those there should be."""

    files: tuple[RemoteFile, ...]
    quantization: str
    parts: int = 1

    @property
    def name(self) -> str:
        """The path of its first file."""
        return self.files[0].path

    @property
    def size_bytes(self) -> int:
        """All its files together."""
        return sum(file.size_bytes for file in self.files)

    @property
    def whole(self) -> bool:
        """Whether every part is there."""
        return len(self.files) == self.parts


def bundles(files: Sequence[RemoteFile]) -> list[Bundle]:
    """The models among a repository's files, the smallest first."""
    single: list[Bundle] = []
    sets: dict[tuple[str, int], dict[int, RemoteFile]] = {}
    for file in files:
        if not file.path.lower().endswith(".gguf") or _NO_MODEL.search(file.path):
            continue
        part = PART_NAME.fullmatch(file.path)
        if part is None:
            single.append(Bundle((file,), quantization_of(file.path)))
        else:
            sets.setdefault((part["stem"], int(part["parts"])), {})[int(part["part"])] = file
    together = [
        Bundle(tuple(found[number] for number in sorted(found)), quantization_of(stem), parts)
        for (stem, parts), found in sets.items()
    ]
    return sorted(single + together, key=lambda bundle: (bundle.size_bytes, bundle.name))


def quantization_of(path: str) -> str:
    """The quantization that a file's name says (or its folder's, where the name says none); empty without one."""
    for text in reversed(path.split("/")):
        found = _QUANTIZATION.findall(text)
        if found:
            name = str(found[-1]).upper()
            return {"FP16": "F16", "FP32": "F32"}.get(name, name)
    return ""


def choose(files: Sequence[RemoteFile], wanted: HubSource, memory_bytes: int) -> Bundle | Failure:
    """The one model that ``wanted`` means, for a machine with so much memory (0: unknown)."""
    there = bundles(files)
    if not there:
        return Reason.REPOSITORY_WITHOUT_MODEL.failure(repo=wanted.repo, words=wanted.repo.rsplit("/", 1)[-1])
    if wanted.file:
        fitting = [bundle for bundle in there if any(file.path == wanted.file for file in bundle.files)]
        if not fitting:
            return _no_such_file(wanted, there)
    elif wanted.quantization:
        fitting = _of_quantization(wanted.quantization, there)
        if not fitting:
            return _no_such_quantization(wanted, there)
    else:
        fitting = there
    chosen = best(fitting, memory_bytes)
    if not chosen.whole:
        return Reason.REPOSITORY_MODEL_INCOMPLETE.failure(
            file=chosen.name, parts=chosen.parts, repo=wanted.repo, present=len(chosen.files)
        )
    return chosen


def best(candidates: Sequence[Bundle], memory_bytes: int) -> Bundle:
    """The most preferred quantization that fits into this memory; if none fits, the smallest."""
    whole = [bundle for bundle in candidates if bundle.whole] or list(candidates)
    held = [bundle for bundle in whole if not memory_bytes or bundle.size_bytes * _OVERHEAD <= memory_bytes]
    return min(held, key=_rank) if held else min(whole, key=lambda bundle: bundle.size_bytes)


def _rank(bundle: Bundle) -> tuple[int, int, str]:
    known = bundle.quantization in PREFERRED
    return PREFERRED.index(bundle.quantization) if known else len(PREFERRED), bundle.size_bytes, bundle.name


def _of_quantization(wanted: str, there: Sequence[Bundle]) -> list[Bundle]:
    """Models of exactly this quantization; if there are none, those whose quantization begins with it (``Q4``)."""
    name = wanted.upper()
    exact = [bundle for bundle in there if bundle.quantization == name]
    return exact or [bundle for bundle in there if bundle.quantization.startswith(f"{name}_")]


def _no_such_quantization(wanted: HubSource, there: Sequence[Bundle]) -> Failure:
    names = list(dict.fromkeys(bundle.quantization for bundle in there if bundle.quantization))
    quantization = wanted.quantization.upper()
    if not names:
        return Reason.QUANTIZATIONS_UNNAMED.failure(repo=wanted.repo, quantization=quantization)
    return Reason.QUANTIZATION_UNKNOWN.failure(repo=wanted.repo, quantization=quantization, names=", ".join(names))


def _no_such_file(wanted: HubSource, there: Sequence[Bundle]) -> Failure:
    names = [bundle.name for bundle in there]
    near = get_close_matches(wanted.file, names, n=3, cutoff=0.3) or names[:3]
    return Reason.REPOSITORY_FILE_UNKNOWN.failure(
        repo=wanted.repo, file=wanted.file, revision=wanted.revision, names=", ".join(near)
    )

"""Checks the versions of Python and of modeld's packages."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

from modelctl.doctor.finding import Verdict, failed, ok, warning
from modelctl.language.catalogue import _

OLDEST_PYTHON = (3, 11)
PARTS = ("", "daemon", "desktop")
"""The extras of the distribution; the empty one is the client."""

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(\[[^\]]*\])?\s*(>=\s*(?P<least>[\w.]+))?[^;]*(;(?P<marker>.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*['"](\w+)['"]""")
_PLATFORM = re.compile(r"""sys_platform\s*==\s*['"](\w+)['"]""")


@dataclass(frozen=True)
class Requirement:
    """A package that a part requires, and the installed version (empty: none)."""

    part: str
    name: str
    least: str
    installed: str


def inspect() -> list[Requirement]:
    """The requirements of the installed modeld, and the installed versions."""
    try:
        asked = metadata.requires("modeld") or []
    except metadata.PackageNotFoundError:
        asked = []
    return list(requirements_of(asked, _installed()))


def requirements_of(
    lines: Sequence[str], installed: Mapping[str, str], platform: str = sys.platform
) -> Iterator[Requirement]:
    """The requirements of the three parts, without those of other platforms."""
    for line in lines:
        found = _REQUIREMENT.fullmatch(line.strip())
        if found is None:
            continue
        marker = found["marker"] or ""
        system = _PLATFORM.search(marker)
        extra = _EXTRA.search(marker)
        part = extra[1] if extra else ""
        if part in PARTS and (system is None or platform.startswith(system[1])):
            yield Requirement(part, found["name"], found["least"] or "", installed.get(plain(found["name"]), ""))


def judge_python(python: tuple[int, ...] = sys.version_info[:3]) -> Verdict:
    """Whether Python is new enough."""
    shown = ".".join(map(str, python))
    if python[:2] < OLDEST_PYTHON:
        return failed(_("Python {version} is too old.").format(version=shown), _("Install Python 3.11 or newer."))
    return ok(_("Python {version}").format(version=shown))


def judge_metadata(packages: Sequence[Requirement]) -> Iterator[Verdict]:
    """Whether the installation lists its requirements."""
    if not packages:
        text = _("modeld is not installed as a package; versions cannot be checked.")
        yield warning(text, "pip install 'modeld[all]'")


def judge_part(part: str, packages: Sequence[Requirement]) -> Iterator[Verdict]:
    """Whether the packages that ``part`` requires are installed and new enough."""
    needed = [package for package in packages if package.part == part]
    bad = [_problem(package) for package in needed if not package.installed or _older(package)]
    if bad:
        fix = f"pip install --upgrade 'modeld[{part}]'" if part else "pip install --upgrade modeld"
        yield (warning if part == "desktop" else failed)(", ".join(bad), fix)
    elif needed:
        yield ok(", ".join(f"{package.name} {package.installed}" for package in needed))


def _problem(package: Requirement) -> str:
    if not package.installed:
        return _("{name} is missing").format(name=package.name)
    older = _("{name} is {version}; {least} or newer is required")
    return older.format(name=package.name, version=package.installed, least=package.least)


def _older(package: Requirement) -> bool:
    return bool(package.least) and _numbers(package.installed) < _numbers(package.least)


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: ``5.2.0rc1`` is 5, 2, 0; trailing zeros are dropped."""
    found = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(number) for number in found[0].split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def plain(name: str) -> str:
    """A package name, normalised for comparison."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed() -> dict[str, str]:
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(plain(name), distribution.version)
    return found

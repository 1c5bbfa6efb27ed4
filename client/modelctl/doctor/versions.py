"""Python, and the packages modeld is made of."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

from modelctl.doctor.finding import Finding, failed, ok, warning
from modelctl.language.catalogue import _

OLDEST_PYTHON = (3, 11)
PARTS = {"": "client", "daemon": "daemon", "desktop": "desktop"}
"""Extra of the distribution -> what it is for."""

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(\[[^\]]*\])?\s*(>=\s*(?P<least>[\w.]+))?[^;]*(;(?P<marker>.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*['"](\w+)['"]""")
_PLATFORM = re.compile(r"""sys_platform\s*==\s*['"](\w+)['"]""")


@dataclass(frozen=True)
class Wanted:
    """A package that a part needs, and the version that is installed (empty: none)."""

    part: str
    name: str
    least: str
    installed: str


def look() -> list[Wanted]:
    """What the installed modeld asks for, and what is there."""
    try:
        asked = metadata.requires("modeld") or []
    except metadata.PackageNotFoundError:
        asked = []
    return list(wanted(asked, _installed()))


def wanted(requirements: Sequence[str], installed: Mapping[str, str], platform: str = sys.platform) -> Iterator[Wanted]:
    """The requirements of the three parts, those of other systems left out."""
    for line in requirements:
        found = _REQUIREMENT.fullmatch(line.strip())
        if found is None:
            continue
        marker = found["marker"] or ""
        system = _PLATFORM.search(marker)
        extra = _EXTRA.search(marker)
        part = extra[1] if extra else ""
        if part in PARTS and (system is None or platform.startswith(system[1])):
            yield Wanted(part, found["name"], found["least"] or "", installed.get(plain(found["name"]), ""))


def judge(packages: Sequence[Wanted], python: tuple[int, ...] = sys.version_info[:3]) -> Iterator[Finding]:
    """Python first, then a line for each part."""
    shown = ".".join(map(str, python))
    if python[:2] < OLDEST_PYTHON:
        yield failed(
            "python", _("Python {version} is too old.").format(version=shown), _("Install Python 3.11 or newer.")
        )
    else:
        yield ok("python", _("Python {version}").format(version=shown))
    if not packages:
        text = _("modeld is not installed as a package; versions cannot be checked.")
        yield warning("packages", text, "pip install 'modeld[all]'")
    for part in PARTS:
        needed = [package for package in packages if package.part == part]
        if needed:
            yield _of_part(part, needed)


def _of_part(part: str, needed: Sequence[Wanted]) -> Finding:
    check = f"packages:{PARTS[part]}"
    bad = [_wrong(package) for package in needed if not package.installed or _older(package)]
    if not bad:
        return ok(check, ", ".join(f"{package.name} {package.installed}" for package in needed))
    mend = f"pip install --upgrade 'modeld[{part}]'" if part else "pip install --upgrade modeld"
    return (warning if part == "desktop" else failed)(check, ", ".join(bad), mend)


def _wrong(package: Wanted) -> str:
    if not package.installed:
        return _("{name} is missing").format(name=package.name)
    older = _("{name} is {version}, needed is {least}")
    return older.format(name=package.name, version=package.installed, least=package.least)


def _older(package: Wanted) -> bool:
    return bool(package.least) and _numbers(package.installed) < _numbers(package.least)


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: ``5.2.0rc1`` is 5, 2, 0; trailing zeros do not count."""
    found = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(number) for number in found[0].split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def plain(name: str) -> str:
    """A package's name as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed() -> dict[str, str]:
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(plain(name), distribution.version)
    return found

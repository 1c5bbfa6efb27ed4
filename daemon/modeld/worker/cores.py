"""How many cores this process may use: the processor's, less what affinity and the control groups of Linux take away.

A control group limits processor time in quotas: version 2 in the file cpu.max ("QUOTA PERIOD" in microseconds, "max"
for no quota; docs.kernel.org, admin-guide/cgroup-v2), version 1 in cpu.cfs_quota_us (-1 for no quota) and
cpu.cfs_period_us. The quota of every group above applies too.
"""

import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """Physical cores that this process may run on; more threads than that make llama.cpp slower, not faster."""
    import psutil

    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    return within_quota(min(cores, allowed), quota())


def within_quota(cores: int, quota_cores: float | None) -> int:
    """Whole cores within a quota, at least one: a thread more would use up the quota and stop all of them."""
    return max(1, min(cores, int(quota_cores)) if quota_cores is not None else cores)


def quota(root: Path = CGROUPS, membership: Path = MEMBERSHIP) -> float | None:
    """The smallest quota of the control groups of this process, in cores; None if there is none."""
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:  # no Linux, or no control groups
        return None
    return min((found for line in lines for found in _quotas(root, line)), default=None)


def _quotas(root: Path, line: str) -> Iterator[float]:
    """The quotas of the group in a line of /proc/self/cgroup ("ID:CONTROLLERS:PATH"), and of the groups above it."""
    _, controllers, path = line.split(":", 2)
    if controllers == "":  # version 2
        bases, of = [root], _quota_v2
    elif "cpu" in controllers.split(","):
        bases, of = [root / controllers, root / "cpu"], _quota_v1
    else:
        return
    for base in bases:
        group = base / path.lstrip("/")
        for folder in (group, *group.parents):
            if not folder.is_relative_to(base):
                break
            found = of(folder)
            if found is not None:
                yield found


def _quota_v2(folder: Path) -> float | None:
    words = _read(folder / "cpu.max").split()
    return _ratio(words[0], words[1]) if len(words) == 2 else None


def _quota_v1(folder: Path) -> float | None:
    return _ratio(_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us"))


def _ratio(quota_us: str, period_us: str) -> float | None:
    try:
        used, period = int(quota_us), int(period_us)
    except ValueError:  # "max", or a file that is not there
        return None
    return used / period if used > 0 and period > 0 else None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""

"""How many cores a worker may use, from a tree like the one that Linux shows in /sys/fs/cgroup."""

from pathlib import Path

import pytest
from modeld.worker.cores import quota, within_quota


def tree(folder: Path, files: dict[str, str], membership: str) -> float | None:
    """The quota of a process with this /proc/self/cgroup in a tree of these files."""
    for name, text in files.items():
        file = folder / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    (folder / "membership").write_text(membership + "\n")
    return quota(folder / "cgroup", folder / "membership")


@pytest.mark.parametrize(
    ("files", "membership", "cores"),
    [
        ({"cpu.max": "max 100000"}, "0::/", None),
        ({"a/b/cpu.max": "200000 100000"}, "0::/a/b", 2.0),
        ({"a/cpu.max": "150000 100000", "a/b/cpu.max": "max 100000"}, "0::/a/b", 1.5),
        ({"a/cpu.max": "50000 100000", "a/b/cpu.max": "300000 100000"}, "0::/a/b", 0.5),
        ({"cpu.max": "100000 100000"}, "0::/not/mounted/here", 1.0),
        ({"cpu/user/cpu.cfs_quota_us": "100000", "cpu/user/cpu.cfs_period_us": "50000"}, "4:cpu:/user", 2.0),
        ({"cpu,cpuacct/cpu.cfs_quota_us": "80000", "cpu,cpuacct/cpu.cfs_period_us": "40000"}, "4:cpu,cpuacct:/x", 2.0),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, "4:cpu,cpuacct:/", None),
        ({"memory/cpu.cfs_quota_us": "1", "memory/cpu.cfs_period_us": "1"}, "5:memory:/", None),
        ({"cpu.max": "nonsense"}, "0::/", None),
    ],
)
def test_the_smallest_quota_of_the_group_and_those_above_counts(
    tmp_path: Path, files: dict[str, str], membership: str, cores: float | None
):
    assert tree(tmp_path, files, membership) == cores


def test_without_control_groups_there_is_no_quota(tmp_path: Path):
    assert quota(tmp_path, tmp_path / "missing") is None


@pytest.mark.parametrize(("cores", "limit", "usable"), [(8, None, 8), (8, 2.0, 2), (8, 1.9, 1), (8, 0.3, 1), (2, 6, 2)])
def test_a_quota_counts_in_whole_cores_and_leaves_at_least_one(cores: int, limit: float | None, usable: int):
    assert within_quota(cores, limit) == usable

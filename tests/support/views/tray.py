"""Snapshots for the tests of the tray."""

from collections.abc import Sequence
from typing import Any

from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import JobKind, JobState, ModelState
from modeld.protocol.views import DaemonView, JobView, ModelView, Progress, Snapshot, SystemView

from support.fake_daemon import AT, model_of

DISK_FULL = Failure(code=ErrorCode.DISK_FULL, message="The disk is full.", hint="Make room.")


def snapshot_of(models: Sequence[ModelView] = (), jobs: Sequence[JobView] = ()) -> Snapshot:
    """A daemon with these models and jobs."""
    daemon = DaemonView(version="1.2.3", pid=1, started_at=AT)
    return Snapshot(epoch="e", seq=1, at=AT, daemon=daemon, system=SystemView(), models=[*models], jobs=[*jobs])


def model(key: str, state: ModelState = ModelState.ON_DISK) -> ModelView:
    """A model of 4 GB; in memory it takes 1 GB and has used 158 of 8192 tokens."""
    return model_of(key, state)


def pull(key: str, state: JobState = JobState.RUNNING, *, done: int = 0, total: int = 0, **more: Any) -> JobView:
    """A download of this many bytes."""
    share = 100 * done / total if total else None
    progress = Progress(done=done, total=total, percent=share, rate=2.0 * 1024**2, eta_s=63.0 if total else None)
    return JobView(
        id=f"pull-{key}", kind=JobKind.PULL, model=key, state=state, created_at=AT, progress=progress, **more
    )


def benchmark(key: str, state: JobState = JobState.RUNNING, percent: float | None = 40.0) -> JobView:
    """A benchmark with this progress."""
    progress = Progress(done=2, total=5, percent=percent)
    return JobView(id=f"bench-{key}", kind=JobKind.BENCHMARK, model=key, state=state, created_at=AT, progress=progress)

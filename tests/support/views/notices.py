"""Snapshots, jobs and notices for the tests of notifications, with the fields that matter there."""

from collections.abc import Sequence

from modelctl.desktop.notices.notice import Notice, NoticeKind
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import JobKind, JobState, ModelState
from modeld.protocol.views import (
    BenchmarkResult,
    BenchmarkRun,
    DaemonView,
    Figure,
    JobView,
    LoadedView,
    ModelView,
    Progress,
    Snapshot,
    SystemView,
)

GIB = 1024**3
MIB = 1024**2


def at(second: int) -> str:
    """A timestamp of the protocol."""
    return f"2026-01-02T03:{second // 60:02}:{second % 60:02}.000+00:00"


def job(
    id_: str = "j1",
    model: str = "mistral",
    state: JobState = JobState.DONE,
    *,
    kind: JobKind = JobKind.PULL,
    begun: int = 0,
    ended: int | None = None,
    failure: Failure | None = None,
    done: int = 0,
    total: int = 0,
    already_there: bool = False,
    benchmark: BenchmarkRun | None = None,
) -> JobView:
    """A job; ``begun`` and ``ended`` are seconds."""
    return JobView(
        id=id_,
        kind=kind,
        model=model,
        state=state,
        created_at=at(0),
        started_at=at(begun),
        ended_at="" if ended is None else at(ended),
        progress=Progress(done=done, total=total, percent=100 * done / total if total else None),
        failure=failure,
        already_there=already_there,
        benchmark=benchmark,
    )


def failure(code: ErrorCode = ErrorCode.DISK_FULL, message: str = "The disk is full.", hint: str = "") -> Failure:
    """A failure."""
    return Failure(code=code, message=message, hint=hint)


CRASH = failure(ErrorCode.WORKER_CRASHED, "The worker of qwen was ended by SIGKILL.", "Load it again.")


def model(
    key: str = "qwen", state: ModelState = ModelState.ON_DISK, *, failed: Failure | None = None, name: str = "Qwen 2.5"
) -> ModelView:
    """A model, with a worker's view where its state has one."""
    loaded = LoadedView(run=1, pid=1) if state in (ModelState.LOADED, ModelState.BUSY) else None
    return ModelView(key=key, state=state, display_name=name, loaded=loaded, failure=failed)


def snapshot(
    *jobs: JobView,
    models: Sequence[ModelView] = (),
    epoch: str = "e1",
    second: int = 100,
    free: int = 100 * GIB,
    total: int = 200 * GIB,
) -> Snapshot:
    """A snapshot at ``second``."""
    return Snapshot(
        epoch=epoch,
        seq=1,
        at=at(second),
        daemon=DaemonView(version="0.1.0", pid=1, started_at=at(0), models_dir="/models"),
        system=SystemView(disk_free=free, disk_total=total),
        models=[*models],
        jobs=[*jobs],
    )


def benchmark_run(rate: float = 45.32, *, disturbance: str = "") -> BenchmarkRun:
    """A run with the decode rate ``rate``."""
    figure = Figure(mean=rate)
    return BenchmarkRun(
        id="b1",
        result=BenchmarkResult(
            model_key="qwen",
            tokens_per_second=rate,
            inference_time=1.0,
            context_used=1,
            context_available=2,
            timestamp=at(0),
            prompt_tokens=1,
            completion_tokens=1,
            memory_usage_mb=1.0,
        ),
        prefill=figure,
        decode=figure,
        first_token_ms=figure,
        inference_ms=figure,
        disturbed=bool(disturbance),
        disturbance=disturbance,
    )


def notice(
    key: str = "pull:mistral",
    kind: NoticeKind = NoticeKind.DOWNLOAD_FINISHED,
    *,
    title: str = "Download finished",
    body: str = "4.1 GB",
    brief: str = "",
) -> Notice:
    """A notice about the model in its key."""
    model_key = key.split(":")[-1]
    return Notice(key=key, kind=kind, title=title, body=body, model=model_key, brief=brief or model_key.upper())

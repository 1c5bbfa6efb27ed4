"""Models, jobs and benchmark runs for the tests of the dialogs."""

from collections.abc import Sequence

from modeld.protocol.states import JobKind, JobState, ModelState
from modeld.protocol.views import (
    BenchmarkAverage,
    BenchmarkResult,
    BenchmarkRun,
    DaemonView,
    Figure,
    History,
    JobView,
    ModelView,
    Snapshot,
    SystemView,
)

GIB = 1024**3
MIB = 1024**2


def result(
    key: str = "mistral",
    speed: float = 45.32,
    inference: float = 3250.5,
    memory: float = 4829.3,
    size: int = 8192,
    at: str = "2026-11-20T09:12:44+00:00",
) -> BenchmarkResult:
    return BenchmarkResult(
        model_key=key,
        tokens_per_second=speed,
        inference_time=inference,
        context_used=158,
        context_available=size,
        timestamp=at,
        prompt_tokens=30,
        completion_tokens=128,
        memory_usage_mb=memory,
    )


def run(
    number: int = 1,
    speed: float = 45.32,
    *,
    at: str = "2026-11-20T09:12:44+00:00",
    disturbance: str = "",
    key: str = "mistral",
) -> BenchmarkRun:
    return BenchmarkRun(
        id=f"run{number}",
        result=result(key, speed=speed, at=at),
        prefill=Figure(mean=180.0, stddev=2.0, n=3),
        decode=Figure(mean=speed, stddev=0.41, n=3),
        first_token_ms=Figure(mean=210.4, n=3),
        inference_ms=Figure(mean=3250.5, n=3),
        disturbed=bool(disturbance),
        disturbance=disturbance,
    )


def history(runs: Sequence[BenchmarkRun], key: str = "mistral") -> History:
    average = BenchmarkAverage(
        runs=len(runs), avg_tokens_per_second=44.0, avg_inference_time=3.0, avg_memory_usage_mb=4800.0
    )
    return History(model=key, runs=[*runs], average=average)


def model(key: str, state: ModelState = ModelState.ON_DISK, latest: BenchmarkResult | None = None) -> ModelView:
    return ModelView(key=key, state=state, display_name=f"{key} of the makers", latest=latest)


def snapshot(models: Sequence[ModelView] = (), jobs: Sequence[JobView] = ()) -> Snapshot:
    return Snapshot(
        epoch="e",
        seq=1,
        at="2026-11-20T09:12:44+00:00",
        daemon=DaemonView(version="0", pid=1, started_at=""),
        system=SystemView(),
        models=[*models],
        jobs=[*jobs],
    )


def pull(state: JobState = JobState.RUNNING, model: str = "mistral", **fields: object) -> JobView:
    return JobView(id="j1", kind=JobKind.PULL, model=model, state=state, created_at="", **fields)  # type: ignore[arg-type]


def bench(state: JobState = JobState.RUNNING, id_: str = "b1", **fields: object) -> JobView:
    return JobView(id=id_, kind=JobKind.BENCHMARK, model="mistral", state=state, created_at="", **fields)  # type: ignore[arg-type]

"""``ModelBenchmark``: blocking benchmarks, with the documented result record."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from modeld.protocol import views
from modeld.protocol.states import FINAL
from modeld.protocol.views import JobView

from modelctl.errors import DaemonUnavailable, ModeldError
from modelctl.jarvis.daemon_access import DaemonAccess, shared
from modelctl.jarvis.downloads import CONNECT_S, GRACE_S
from modelctl.jarvis.feed import call_safely
from modelctl.jarvis.progress import sentence

Callback = Callable[[Mapping[str, object]], object]


@dataclass(frozen=True)
class BenchmarkResult:
    """One run in the nine documented fields; ``inference_time`` in ms, ``memory_usage_mb`` in MiB."""

    model_key: str
    tokens_per_second: float
    inference_time: float
    context_used: int
    context_available: int
    timestamp: datetime
    prompt_tokens: int
    completion_tokens: int
    memory_usage_mb: float

    def to_dict(self) -> dict[str, object]:
        """The nine keys of ``model_benchmarks.json``; the time as ISO 8601 with microseconds."""
        return asdict(self) | {"timestamp": self.timestamp.isoformat(timespec="microseconds")}


def of_view(view: views.BenchmarkResult) -> BenchmarkResult:
    """The daemon's record in the documented form."""
    fields = {name: getattr(view, name) for name in view.__struct_fields__}
    return BenchmarkResult(**fields | {"timestamp": datetime.fromisoformat(view.timestamp)})


class ModelBenchmark:
    """Benchmarks through the daemon, which stores the results; ``model_benchmarks.json`` receives them too."""

    def __init__(self, jarvis_instance: object = None, *, access: DaemonAccess | None = None) -> None:
        self._jarvis = jarvis_instance
        self._access = access or shared()

    def run_benchmark(self, model_key: str, progress_callback: Callback | None = None) -> BenchmarkResult | None:
        """Benchmark a model (loaded if needed) and return the result; None when it failed. Blocks.

        ``progress_callback`` gets dicts with ``status`` (``running``, then once ``completed`` or ``failed``),
        ``model``, ``phase``, ``percent``, ``tokens_per_second``, ``message`` and, at the end, ``result``.
        """
        key = model_key.lower()
        reporter = _ProgressReporter(key, progress_callback)
        if self._access.feed.is_own_thread():  # in a callback: waiting would block the delivery
            return reporter.end(self._access.attempt(lambda client: client.benchmark([key], wait=True)[0]))
        self._access.feed.listen(reporter.on_job)
        try:
            self._access.feed.wait_until_connected(CONNECT_S)
            job = self._access.attempt(lambda client: client.benchmark([key])[0])
            if isinstance(job, ModeldError):
                return reporter.end(job)
            reporter.job = job.id
            away = DaemonUnavailable("The daemon became unreachable during the benchmark.")
            return reporter.end(self._access.feed.wait_for(job, GRACE_S) or away)
        finally:
            self._access.feed.forget(reporter.on_job)

    def get_latest_result(self, model_key: str) -> BenchmarkResult | None:
        """The newest result of a model; None if there is none."""
        model = self._access.ask(lambda client: client.show(model_key), None)
        return of_view(model.latest) if model is not None and model.latest is not None else None

    def get_average_performance(self, model_key: str) -> dict[str, float] | None:
        """The means over a model's whole history; None if there is none."""
        model = self._access.ask(lambda client: client.show(model_key), None)
        if model is None or model.average is None:
            return None
        average = model.average
        return {
            "avg_tokens_per_second": average.avg_tokens_per_second,
            "avg_inference_time": average.avg_inference_time,
            "avg_memory_usage_mb": average.avg_memory_usage_mb,
        }


class _ProgressReporter:
    """Reports one benchmark to the caller's callback."""

    def __init__(self, key: str, callback: Callback | None) -> None:
        self.job = ""
        self._key = key
        self._callback = callback

    def on_job(self, job: JobView) -> None:
        """Report a job's progress; only ``end`` reports its end, so that it is reported once."""
        if job.id == self.job and job.state not in FINAL:
            self._report("running", job.progress, job.progress.phase or str(job.state))

    def end(self, outcome: JobView | ModeldError) -> BenchmarkResult | None:
        """Report how the benchmark ended; return its result, if it has one."""
        if isinstance(outcome, ModeldError):
            self._report("failed", views.Progress(), sentence(outcome.failure))
            return None
        if outcome.benchmark is None:
            why = sentence(outcome.failure) if outcome.failure else f"The benchmark is {outcome.state}."
            self._report("failed", outcome.progress, why)
            return None
        result = of_view(outcome.benchmark.result)
        self._report("completed", outcome.progress, "The benchmark is complete.", result)
        return result

    def _report(
        self, status: str, progress: views.Progress, message: str, result: BenchmarkResult | None = None
    ) -> None:
        if self._callback is None:
            return
        news: dict[str, object] = {
            "status": status,
            "model": self._key,
            "phase": progress.phase,
            "percent": 100.0 if result is not None else progress.percent,
            "tokens_per_second": progress.rate,
            "message": message,
        }
        call_safely(self._callback, news if result is None else {**news, "result": result})

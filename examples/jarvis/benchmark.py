"""Measure a model, then look at its latest result and its averages."""

import sys
from collections.abc import Mapping

from modelctl.jarvis import ModelBenchmark

key = sys.argv[1] if len(sys.argv) > 1 else "smollm2"


def progress(news: Mapping[str, object]) -> None:
    """Called with each step, and once at the end."""
    print(f"{news['status']}: {news['phase'] or news['message']}")


benchmark = ModelBenchmark(None)  # or your jarvis instance
result = benchmark.run_benchmark(key, progress)
if result is None:
    sys.exit(f"{key} could not be measured")
print(f"Tokens/sec: {result.tokens_per_second:.2f}")
print(f"Inference: {result.inference_time:.1f} ms, memory: {result.memory_usage_mb:.1f} MB")
print(f"Context: {result.context_used}/{result.context_available}")

latest = benchmark.get_latest_result(key)
average = benchmark.get_average_performance(key)
assert latest is not None and average is not None
print("Latest is of", latest.timestamp.date())
print(f"Average: {average['avg_tokens_per_second']:.2f} tokens/sec")

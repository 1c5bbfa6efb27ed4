"""One benchmark: the standard prompt, then pp and tg as llama-bench measures them; nothing comes out of a cache."""

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from modeld.protocol.errors import Note
from modeld.protocol.reasons import Reason
from modeld.protocol.requests import Message, Sampling
from modeld.protocol.states import Phase
from modeld.protocol.views import BenchmarkResult, BenchmarkRun, Figure
from modeld.protocol.workers import Activity, Answer, AnyNews, Measure, Measured, MeasureProgress, TaskFailed
from modeld.worker import environment, template
from modeld.worker.answer import prompt_tokens
from modeld.worker.daemon_link import Link
from modeld.worker.engine import Engine, EngineError, StoppedError
from modeld.worker.native import lib

NOISY = 0.10
"""Relative deviation of the decode rate above which a run counts as disturbed."""


@dataclass(frozen=True)
class Sample:
    """One answer to the standard prompt; times in seconds. ``decode_steps`` tokens were computed in ``decode_s``."""

    prompt_tokens: int
    completion_tokens: int
    decode_steps: int
    prefill_s: float
    decode_s: float
    context_used: int

    @property
    def decode_rate(self) -> float:
        """Tokens a second."""
        return self.decode_steps / self.decode_s


class Measuring:
    """Does one ``Measure`` order."""

    def __init__(self, engine: Engine, link: Link, model: str, order: Measure) -> None:
        self._engine = engine
        self._link = link
        self._model = model
        self._order = order
        self._step = 0
        self._pp = min(order.pp_tokens, engine.context_size)
        self._tg = min(order.tg_tokens, engine.context_size)

    def run(self) -> AnyNews:
        """Measure; the news that ends the task."""
        task = self._order.task
        self._engine.use_all_cores()
        try:
            return self._measure()
        except StoppedError:
            failure = Reason.BENCHMARK_STOPPED.failure()
        except (EngineError, template.TemplateError) as error:
            failure = error.failure
        finally:
            self._engine.clear()
        return TaskFailed(task=task, failure=failure)

    def _measure(self) -> AnyNews:
        order, repetitions = self._order, self._order.repetitions
        answer = Answer(task=order.task, messages=[Message(role="user", content=order.prompt)])
        prompt = prompt_tokens(self._engine, self._link, answer)
        self._link.begin_activity(Activity.DECODE)
        if len(prompt) + 2 > self._engine.context_size:
            failure = Reason.BENCHMARK_PROMPT_TOO_LONG.failure(
                prompt_tokens=len(prompt), context_size=self._engine.context_size
            )
            return TaskFailed(task=order.task, failure=failure)
        self._answer_once(prompt, min(8, order.max_tokens))
        self._told(Phase.WARM_UP, 0.0)
        neighbours, energy = environment.Neighbours(), environment.energy_uj()
        samples = []
        for _ in range(repetitions):
            samples.append(self._answer_once(prompt, order.max_tokens))
            self._told(Phase.PROMPT, samples[-1].decode_rate)
        energy_used = environment.energy_uj()
        pp = [self._timed(Phase.PP, self._prefill_once, self._pp) for _ in range(repetitions)]
        tg = [self._timed(Phase.TG, self._decode_once, self._tg) for _ in range(repetitions)]
        if min(sample.completion_tokens for sample in samples) < 2:
            return TaskFailed(task=order.task, failure=Reason.BENCHMARK_ANSWER_EMPTY.failure())
        joules = (energy_used - energy) / 1e6 if energy is not None and energy_used is not None else None
        run = self._as_run(samples, figure(pp), figure(tg), neighbours.cores(), joules)
        return Measured(task=order.task, run=run)

    def _as_run(
        self, samples: list[Sample], pp: Figure, tg: Figure, others: float, joules: float | None
    ) -> BenchmarkRun:
        decode = figure([sample.decode_rate for sample in samples])
        inference = figure([(sample.prefill_s + sample.decode_s) * 1e3 for sample in samples])
        peak = environment.peak_memory_bytes()
        disturbances = _disturbances(others, decode)
        return BenchmarkRun(
            id="",
            result=BenchmarkResult(
                model_key=self._model,
                tokens_per_second=decode.mean,
                inference_time=inference.mean,
                context_used=samples[-1].context_used,
                context_available=self._engine.context_size,
                timestamp=datetime.now(UTC).isoformat(timespec="microseconds"),
                prompt_tokens=samples[-1].prompt_tokens,
                completion_tokens=samples[-1].completion_tokens,
                memory_usage_mb=peak / 1024**2,
            ),
            prefill=figure([sample.prompt_tokens / sample.prefill_s for sample in samples]),
            decode=decode,
            first_token_ms=figure([sample.prefill_s * 1e3 for sample in samples]),
            inference_ms=inference,
            pp=pp,
            pp_tokens=self._pp,
            tg=tg,
            tg_tokens=self._tg,
            memory_peak_bytes=peak,
            energy_j=joules if joules is not None and joules >= 0 else None,
            disturbed=bool(disturbances),
            disturbance=" ".join(note.message for note in disturbances),
            disturbances=disturbances,
            environment=environment.describe(self._engine),
        )

    def _answer_once(self, prompt: list[int], max_tokens: int) -> Sample:
        """One greedy answer, from an empty cache."""
        engine = self._engine
        engine.clear()
        with engine.sampler(Sampling(temperature=0.0, repeat_penalty=1.0)) as sampler:
            began = time.perf_counter()
            for start in range(0, len(prompt), engine.batch_size):
                engine.decode_many(prompt[start : start + engine.batch_size], self._link.stopping)
                self._check_stop()
            token = engine.sample(sampler)
            prefilled = time.perf_counter()
            count = steps = 0
            while not engine.is_end(token):
                count += 1
                if count >= max_tokens or len(engine.tokens) >= engine.context_size:
                    break
                engine.decode_one(token)
                steps += 1
                token = engine.sample(sampler)
                self._check_stop()
            engine.finish_computing()
            ended = time.perf_counter()
        return Sample(len(prompt), count, steps, prefilled - began, ended - prefilled, engine.context_used())

    def _prefill_once(self) -> None:
        """llama-bench's test_prompt: random tokens in batches, the first one BOS where the model wants it."""
        engine = self._engine
        tokens = [random.randrange(engine.n_vocab) for _ in range(self._pp)]
        if lib.llama_vocab_get_add_bos(engine.vocab):
            tokens[0] = lib.llama_vocab_bos(engine.vocab)
        for start in range(0, len(tokens), engine.batch_size):
            engine.decode_many(tokens[start : start + engine.batch_size], self._link.stopping)
        engine.finish_computing()

    def _decode_once(self) -> None:
        """llama-bench's test_gen: one token at a time, none of them sampled."""
        engine = self._engine
        bos = lib.llama_vocab_get_add_bos(engine.vocab)
        token = lib.llama_vocab_bos(engine.vocab) if bos else random.randrange(engine.n_vocab)
        for _ in range(self._tg):
            engine.decode_one(token)
            engine.finish_computing()
            self._check_stop()
            token = random.randrange(engine.n_vocab)

    def _timed(self, phase: Phase, work: Callable[[], None], tokens: int) -> float:
        """Tokens a second of ``work``, from an empty cache."""
        self._engine.clear()
        began = time.perf_counter()
        work()
        rate = tokens / (time.perf_counter() - began)
        self._told(phase, rate)
        return rate

    def _told(self, phase: Phase, rate: float) -> None:
        self._step += 1
        steps = 1 + 3 * self._order.repetitions
        self._link.say(
            MeasureProgress(task=self._order.task, step=self._step, steps=steps, phase=phase, tokens_per_second=rate)
        )
        self._check_stop()

    def _check_stop(self) -> None:
        if self._link.stopping():
            raise StoppedError


def figure(values: list[float]) -> Figure:
    """Mean and sample standard deviation."""
    return Figure(
        mean=statistics.fmean(values),
        stddev=statistics.stdev(values) if len(values) > 1 else 0.0,
        n=len(values),
    )


def _disturbances(others: float, decode: Figure) -> list[Note]:
    """What disturbed the run."""
    if others > environment.BUSY_CORES:
        return [Reason.OTHER_PROGRAMS_BUSY.note(cores=others)]
    if decode.stddev > NOISY * decode.mean:
        return [Reason.DECODE_RATE_VARIED.note(percent=100 * decode.stddev / decode.mean)]
    return []

"""``bench``: measure models, show each step, and the numbers at the end."""

import click
from modeld.protocol import replies
from modeld.protocol.states import JobState
from modeld.protocol.views import BenchmarkRun, Figure, JobView

from modelctl import errors
from modelctl.format import format_figure
from modelctl.progress import shown, watched
from modelctl.session import Session, pass_session
from modelctl.verb import KEY, Verb


@click.command(cls=Verb, example="modelctl bench mistral -r 5\nmodelctl bench --all")
@click.argument("keys", metavar="[KEY]...", type=KEY, nargs=-1)
@click.option("--all", "all_", is_flag=True, help="Every model on disk.")
@click.option(
    "-r", "repetitions", type=click.IntRange(min=1), default=3, show_default=True, help="How often to repeat."
)
@pass_session
def bench(session: Session, keys: tuple[str, ...], all_: bool, repetitions: int) -> None:
    """Benchmark models with the standard prompt and llama-bench's tests; loads what is needed."""
    if bool(keys) == all_:
        raise click.UsageError("Name the models to benchmark, or give --all.")
    try:
        jobs = _watch(session, keys, all_, repetitions)
    except KeyboardInterrupt:
        session.warn("\nThe benchmark goes on in the daemon.")
        session.warn("hint: see it with: modelctl jobs; stop it with: modelctl cancel KEY")
        raise click.exceptions.Exit(130) from None
    if session.json:
        session.emit(replies.Jobs(jobs=jobs))
    for job in jobs:
        if job.benchmark is not None and not session.json:
            _numbers(session, job.benchmark)
    for job in jobs:
        if job.failure is not None and job.state is not JobState.DONE:
            raise errors.of(job.failure)
        if job.state is JobState.CANCELLED:
            raise click.ClickException(f"The benchmark of {job.model.upper()} was cancelled.")


def _watch(session: Session, keys: tuple[str, ...], all_: bool, repetitions: int) -> list[JobView]:
    """The jobs when all have ended."""
    mirror = session.client.follow()
    started = session.client.benchmark(keys, all_models=all_, repetitions=repetitions)
    jobs = {job.id: job for job in started}
    with shown(session) as show:
        for event, job in watched(mirror, started):
            jobs[job.id] = job
            show(job)
            if session.json and event is not None:
                session.emit(event)
    mirror.close()
    return list(jobs.values())


def _numbers(session: Session, run: BenchmarkRun) -> None:
    """What was measured, as a person compares it."""
    result = run.result
    session.line(f"{result.model_key.upper()}  {result.timestamp}")
    if run.pp:
        session.line(f"  {f'pp{run.pp_tokens}':<12}{_rate(run.pp)}")
    if run.tg:
        session.line(f"  {f'tg{run.tg_tokens}':<12}{_rate(run.tg)}")
    session.line(f"  {'prefill':<12}{_rate(run.prefill)}  ({result.prompt_tokens} tokens)")
    session.line(f"  {'decode':<12}{_rate(run.decode)}  ({result.completion_tokens} tokens)")
    session.line(f"  {'first token':<12}{run.first_token_ms.mean:.1f} ms")
    session.line(f"  {'inference':<12}{result.inference_time:.1f} ms")
    session.line(f"  {'memory':<12}{result.memory_usage_mb:.1f} MB")
    session.line(f"  {'context':<12}{result.context_used}/{result.context_available}")
    session.line(f"  {'load':<12}{run.load_s:.1f}s")
    energy = "n/a" if run.energy_j is None else f"{run.energy_j:.1f} J"
    session.line(f"  {'energy':<12}{energy}")
    if run.disturbed:
        warning = (
            f"The run was disturbed: {(run.disturbance or 'other load').rstrip('.')}. Repeat it on an idle machine."
        )
        session.warn(click.style(warning, fg="yellow"))


def _rate(figure: Figure) -> str:
    return f"{format_figure(figure)} tokens/sec"

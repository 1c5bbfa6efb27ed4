"""``bench``: measure models, show each step, and the numbers at the end."""

import click
from modeld.protocol import replies
from modeld.protocol.states import JobState
from modeld.protocol.views import BenchmarkRun, Figure, JobView

from modelctl import errors
from modelctl.cli.progress import shown, watched
from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import KEY, Verb
from modelctl.language.catalogue import _
from modelctl.language.format import format_figure, labelled
from modelctl.language.remarks import said


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
        raise click.UsageError(_("Name the models to benchmark, or give --all."))
    try:
        jobs = _watch(session, keys, all_, repetitions)
    except KeyboardInterrupt:
        session.warn("\n" + _("The benchmark goes on in the daemon."))
        session.warn(_("hint: see it with: modelctl jobs; stop it with: modelctl cancel KEY"))
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
            raise click.ClickException(_("The benchmark of {key} was cancelled.").format(key=job.model.upper()))


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
    rows = []
    if run.pp:
        rows.append((f"pp{run.pp_tokens}", _rate(run.pp)))
    if run.tg:
        rows.append((f"tg{run.tg_tokens}", _rate(run.tg)))
    rows += [
        (_("prefill"), _rate_of(run.prefill, result.prompt_tokens)),
        (_("decode"), _rate_of(run.decode, result.completion_tokens)),
        (_("first token"), f"{run.first_token_ms.mean:.1f} ms"),
        (_("inference"), f"{result.inference_time:.1f} ms"),
        (_("memory"), f"{result.memory_usage_mb:.1f} MB"),
        (_("context"), f"{result.context_used}/{result.context_available}"),
        (_("load"), f"{run.load_s:.1f}s"),
        (_("energy"), _("n/a") if run.energy_j is None else f"{run.energy_j:.1f} J"),
    ]
    for line in labelled(rows, 12):
        session.line(f"  {line}")
    if run.disturbed:
        warning = _("The run was disturbed: {reason}. Repeat it on an idle machine.")
        reason = (said(run.disturbance) or _("other load")).rstrip(".")
        session.warn(click.style(warning.format(reason=reason), fg="yellow"))


def _rate(figure: Figure) -> str:
    return _("{figure} tokens/sec").format(figure=format_figure(figure))


def _rate_of(figure: Figure, tokens: int) -> str:
    return _rate(figure) + "  " + _("({count} tokens)").format(count=tokens)

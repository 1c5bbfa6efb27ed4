"""``bench``, ``results``, ``compare``: run benchmarks and show their results."""

import click
from modeld.protocol import replies
from modeld.protocol.states import JobState
from modeld.protocol.views import BenchmarkRun, Comparison, Figure, JobView

from modelctl import errors
from modelctl.cli.output import Coloured, Part
from modelctl.cli.progress import shown, watched
from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import KEY, Verb
from modelctl.language.catalogue import _
from modelctl.language.format import format_figure, labelled
from modelctl.language.sentences import of_disturbance


@click.command(cls=Verb, example="modelctl bench mistral -r 5\nmodelctl bench --all")
@click.argument("keys", metavar="[KEY]...", type=KEY, nargs=-1)
@click.option("--all", "all_", is_flag=True, help="Every model on disk.")
@click.option(
    "-r", "repetitions", type=click.IntRange(min=1), default=3, show_default=True, help="Number of repetitions."
)
@pass_session
def bench(session: Session, keys: tuple[str, ...], all_: bool, repetitions: int) -> None:
    """Benchmark models with the standard prompt and llama-bench's tests; loads them as needed."""
    if bool(keys) == all_:
        raise click.UsageError(_("Name the models to benchmark, or give --all."))
    try:
        jobs = _watch(session, keys, all_, repetitions)
    except KeyboardInterrupt:
        session.warn("\n", _("The benchmark continues in the daemon."))
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


@click.command(cls=Verb, example="modelctl results mistral -n 20")
@click.argument("key", type=KEY)
@click.option(
    "-n",
    "limit",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many results to show, newest first.",
)
@pass_session
def results(session: Session, key: str, limit: int) -> None:
    """Show a model's benchmark history, its average and the last change."""
    history = session.client.results(key, limit)
    if session.json:
        session.emit(replies.History(history=history))
        return
    if not history.runs:
        none = _("{name} has no benchmarks yet. Run one with: modelctl bench {key}")
        session.say(none.format(name=key.upper(), key=key))
        return
    from modelctl.language.format import table

    headers = [_("WHEN"), _("TOKENS/SEC"), _("INFERENCE(MS)"), _("MEMORY(MB)"), _("CONTEXT"), _("NOTE")]
    for line in table(headers, [_history_row(run) for run in history.runs]):
        session.line(line)
    if history.average:
        mean = history.average
        average = _("Average of {count}: {rate:.2f} tokens/sec, {ms:.1f} ms, {size:.1f} MB")
        session.line(
            average.format(
                count=mean.runs,
                rate=mean.avg_tokens_per_second,
                ms=mean.avg_inference_time,
                size=mean.avg_memory_usage_mb,
            )
        )
    if history.change:
        weight = _("more than the noise") if history.change.significant else _("within the noise")
        change = _("Change since the previous run: {percent:+.1f}% ({weight})")
        session.line(change.format(percent=history.change.percent, weight=weight))


@click.command(cls=Verb, example="modelctl compare mistral phi")
@click.argument("keys", metavar="[KEY]...", type=KEY, nargs=-1)
@pass_session
def compare(session: Session, keys: tuple[str, ...]) -> None:
    """Compare the newest benchmarks of all models (or of the KEYs), fastest first."""
    comparison = session.client.compare(keys)
    if session.json:
        session.emit(replies.Comparison(comparison=comparison))
        return
    from modelctl.language.format import comparison_lines

    for line in comparison_lines(comparison):
        session.line(_highlighted(line, comparison))


def _watch(session: Session, keys: tuple[str, ...], all_: bool, repetitions: int) -> list[JobView]:
    """Run the benchmarks; return their jobs once all have ended."""
    mirror = session.client.follow()
    started = session.client.benchmark(keys, all_models=all_, repetitions=repetitions)
    jobs = {job.id: job for job in started}
    with shown(session) as show:
        for event, job in watched(mirror, started, show):
            jobs[job.id] = job
            show(job)
            if session.json and event is not None:
                session.emit(event)
    mirror.close()
    return list(jobs.values())


def _numbers(session: Session, run: BenchmarkRun) -> None:
    """Print the results of one run."""
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
        reason = (of_disturbance(run) or _("other load")).rstrip(".")
        session.warn(Coloured(warning.format(reason=reason), "yellow"))


def _rate(figure: Figure) -> str:
    return _("{figure} tokens/sec").format(figure=format_figure(figure))


def _rate_of(figure: Figure, tokens: int) -> str:
    return _rate(figure) + "  " + _("({count} tokens)").format(count=tokens)


def _highlighted(line: str, comparison: Comparison) -> Part:
    """The fastest model's row in green and the most efficient one's in cyan, where colour is allowed."""
    words = line.split()
    first = words[0] if words else ""
    if comparison.fastest and (first == comparison.fastest.upper() or first == "🏆"):
        return Coloured(line, "green", bold=True)
    if comparison.most_efficient and (first == comparison.most_efficient.upper() or first == "💾"):
        return Coloured(line, "cyan")
    return line


def _history_row(run: BenchmarkRun) -> list[str]:
    result = run.result
    return [
        result.timestamp,
        f"{result.tokens_per_second:.2f}",
        f"{result.inference_time:.1f}",
        f"{result.memory_usage_mb:.1f}",
        f"{result.context_used}/{result.context_available}",
        _("disturbed: {reason}").format(reason=of_disturbance(run)) if run.disturbed else "",
    ]

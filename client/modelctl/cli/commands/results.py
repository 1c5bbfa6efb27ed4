"""``results`` and ``compare``: what the benchmarks measured."""

import click
from modeld.protocol import replies
from modeld.protocol.views import BenchmarkRun, Comparison

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import KEY, Verb
from modelctl.language.catalogue import _
from modelctl.language.remarks import said


@click.command(cls=Verb, example="modelctl results mistral -n 20")
@click.argument("key", type=KEY)
@click.option("-n", "limit", type=click.IntRange(min=1), default=10, show_default=True, help="How many, the newest.")
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
    for line in table(headers, [_row(run) for run in history.runs]):
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
        change = _("Change against the run before: {percent:+.1f}% ({weight})")
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


def _highlighted(line: str, comparison: Comparison) -> str:
    """The fastest model's row in green and the most efficient's in cyan, where colour is allowed."""
    words = line.split()
    first = words[0] if words else ""
    if comparison.fastest and (first == comparison.fastest.upper() or first == "🏆"):
        return click.style(line, fg="green", bold=True)
    if comparison.most_efficient and (first == comparison.most_efficient.upper() or first == "💾"):
        return click.style(line, fg="cyan")
    return line


def _row(run: BenchmarkRun) -> list[str]:
    result = run.result
    return [
        result.timestamp,
        f"{result.tokens_per_second:.2f}",
        f"{result.inference_time:.1f}",
        f"{result.memory_usage_mb:.1f}",
        f"{result.context_used}/{result.context_available}",
        _("disturbed: {reason}").format(reason=said(run.disturbance)) if run.disturbed else "",
    ]

"""``ps``, ``load``, ``unload``, ``pin``, ``unpin``: controls which models are in memory."""

from datetime import UTC, datetime

import click
from modeld.protocol import replies
from modeld.protocol.states import HAS_WORKER, ModelState
from modeld.protocol.views import ModelView

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import KEY, Verb
from modelctl.language import names
from modelctl.language.catalogue import _
from modelctl.language.sentences import of_notes


@click.command(cls=Verb, example="modelctl ps")
@pass_session
def ps(session: Session) -> None:
    """Show the loaded models: memory, context, device, idle time, state."""
    models = [model for model in session.client.list() if model.state in HAS_WORKER]
    if session.json:
        session.emit(replies.Models(models=models))
        return
    if not models:
        session.say(_("No model is loaded. Load one with: modelctl load KEY"))
        return
    from modelctl.language.format import table

    now = datetime.now(UTC)
    headers = [_("KEY"), _("MEMORY"), _("CONTEXT"), _("DEVICE"), _("IDLE"), _("STATE")]
    for line in table(headers, [_loaded_row(model, now) for model in models]):
        session.line(line)


@click.command(cls=Verb, example="modelctl load mistral --context 8192 --gpu-layers -1")
@click.argument("key", type=KEY)
@click.option("--context", type=click.IntRange(min=1), help="Context size in tokens.")
@click.option("--gpu-layers", type=click.IntRange(min=-1), help="Layers on the GPU: -1 all, 0 none.")
@click.option("--threads", type=click.IntRange(min=1), help="Number of CPU threads.")
@pass_session
def load(session: Session, key: str, context: int | None, gpu_layers: int | None, threads: int | None) -> None:
    """Load a model into memory and wait until it can answer."""
    answer = session.client.load(key, context_size=context or 0, gpu_layers=gpu_layers, threads=threads or 0)
    if session.json:
        session.emit(answer)
        return
    from modelctl.language.format import format_bytes

    loaded = answer.model.loaded
    if loaded is None:
        state = names.of_model_state(answer.model.state)
        session.line(_("{key} is {state}.").format(key=key.upper(), state=state))
    else:
        text = _("{key} is loaded ({device}, {memory}, context {context}, in {seconds:.1f}s).")
        memory = format_bytes(loaded.memory_bytes)
        session.line(
            text.format(
                key=key.upper(),
                device=loaded.device,
                memory=memory,
                context=loaded.context_size,
                seconds=loaded.load_s,
            )
        )
    if answer.note:
        session.say(of_notes(answer.notes, answer.note))


@click.command(cls=Verb, example="modelctl unload mistral\nmodelctl unload --all")
@click.argument("key", type=KEY, required=False)
@click.option("--all", "all_", is_flag=True, help="Unload every model.")
@pass_session
def unload(session: Session, key: str | None, all_: bool) -> None:
    """Unload a model and wait until its memory is free."""
    if bool(key) == all_:
        raise click.UsageError(_("Name one model, or give --all."))
    answer = session.client.unload(key or "")
    text = _("{key} is unloaded.").format(key=key.upper()) if key else _("All models are unloaded.")
    _done(session, answer, text)


@click.command(cls=Verb, example="modelctl pin mistral")
@click.argument("key", type=KEY)
@pass_session
def pin(session: Session, key: str) -> None:
    """Keep a model loaded: it is never evicted, and never unloaded when idle."""
    _done(session, session.client.pin(key), _("{key} is pinned.").format(key=key.upper()))


@click.command(cls=Verb, example="modelctl unpin mistral")
@click.argument("key", type=KEY)
@pass_session
def unpin(session: Session, key: str) -> None:
    """Unpin a model, so that it may be unloaded."""
    _done(session, session.client.pin(key, False), _("{key} is not pinned.").format(key=key.upper()))


def _done(session: Session, answer: replies.Result, text: str) -> None:
    if session.json:
        session.emit(answer)
        return
    # The daemon's own note is more precise, for example: "Nothing was loaded."
    note = of_notes(answer.notes, answer.note) if isinstance(answer, replies.Done) else ""
    session.line(note or text)


def _loaded_row(model: ModelView, now: datetime) -> list[str]:
    from modelctl.language.format import format_bytes

    key, state = model.key.upper(), names.of_model_state(model.state)
    if model.pinned:
        state = _("{state}, pinned").format(state=state)
    loaded = model.loaded
    if loaded is None:
        return [key, "-", "-", "-", "-", state]
    context = f"{loaded.context_used}/{loaded.context_size}"
    return [key, format_bytes(loaded.memory_bytes), context, loaded.device, _idle_time(model, now), state]


def _idle_time(model: ModelView, now: datetime) -> str:
    """The time since the model was last used; "-" if it is busy or the time is unknown."""
    from modelctl.language.format import format_eta

    if model.state is not ModelState.LOADED or model.loaded is None:
        return "-"
    last = model.loaded.last_used_at or model.loaded.loaded_at
    return format_eta(max(0.0, (now - datetime.fromisoformat(last)).total_seconds())) if last else "-"

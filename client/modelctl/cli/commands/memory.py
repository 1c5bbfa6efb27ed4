"""``load``, ``unload``, ``pin``, ``unpin``: which models are in memory."""

import click
from modeld.protocol import replies

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import KEY, Verb
from modelctl.language import names
from modelctl.language.catalogue import _
from modelctl.language.remarks import said


@click.command(cls=Verb, example="modelctl load mistral --context 8192 --gpu-layers -1")
@click.argument("key", type=KEY)
@click.option("--context", type=click.IntRange(min=1), help="Context size in tokens.")
@click.option("--gpu-layers", type=click.IntRange(min=-1), help="Layers on the GPU: -1 all, 0 none.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads to compute with.")
@pass_session
def load(session: Session, key: str, context: int | None, gpu_layers: int | None, threads: int | None) -> None:
    """Load a model into memory, and return when it can answer."""
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
        session.say(said(answer.note))


@click.command(cls=Verb, example="modelctl unload mistral\nmodelctl unload --all")
@click.argument("key", type=KEY, required=False)
@click.option("--all", "all_", is_flag=True, help="Unload every model.")
@pass_session
def unload(session: Session, key: str | None, all_: bool) -> None:
    """Unload a model, and return when its memory is free."""
    if bool(key) == all_:
        raise click.UsageError(_("Name one model, or give --all."))
    answer = session.client.unload(key or "")
    text = _("{key} is unloaded.").format(key=key.upper()) if key else _("All models are unloaded.")
    _done(session, answer, text)


@click.command(cls=Verb, example="modelctl pin mistral")
@click.argument("key", type=KEY)
@pass_session
def pin(session: Session, key: str) -> None:
    """Keep a model loaded: it is never evicted and never unloaded for being idle."""
    _done(session, session.client.pin(key), _("{key} is pinned.").format(key=key.upper()))


@click.command(cls=Verb, example="modelctl unpin mistral")
@click.argument("key", type=KEY)
@pass_session
def unpin(session: Session, key: str) -> None:
    """Let a pinned model be unloaded again."""
    _done(session, session.client.pin(key, False), _("{key} is not pinned.").format(key=key.upper()))


def _done(session: Session, answer: replies.Result, text: str) -> None:
    if session.json:
        session.emit(answer)
        return
    # The daemon's own sentence is the truer one: "Nothing was loaded.", say.
    session.line(said(answer.note) if isinstance(answer, replies.Done) and answer.note else text)

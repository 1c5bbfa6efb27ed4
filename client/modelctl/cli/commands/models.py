"""``add``, ``ls``, ``show``, ``rm``: the models that the daemon knows."""

from pathlib import Path

import click
from modeld.protocol import replies
from modeld.protocol.states import HAS_FILE, ModelState
from modeld.protocol.views import ModelView, SamplingSetting

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import KEY, Verb
from modelctl.errors import advice
from modelctl.language import names
from modelctl.language.catalogue import _
from modelctl.language.printable import one_line
from modelctl.language.sentences import of_notes

REMOTE = ("https://", "http://", "hf:")


@click.command(cls=Verb, example="modelctl add mistral hf:org/repo:Q4_K_M\nmodelctl add tiny ./tiny.gguf --name Tiny")
@click.argument("key", type=KEY)
@click.argument("source")
@click.option("--name", default="", help="The name to show.")
@click.option("--description", default="", help="A short description.")
@click.option("--sha256", default="", help="The file's SHA-256, verified before the model can be used.")
@pass_session
def add(session: Session, key: str, source: str, name: str, description: str, sha256: str) -> None:
    """Add a model from a hub, from an https URL, or from the path of a GGUF file, which is used in place.

    For a hub, SOURCE is hf:ORG/REPO, hf:ORG/REPO:Q4_K_M or hf:ORG/REPO:FILE.gguf, optionally followed by @REVISION.
    """
    where = source if source.startswith(REMOTE) else str(Path(source).expanduser().absolute())
    answer = session.client.add(key, where, display_name=name, description=description, sha256=sha256)
    if session.json:
        session.emit(answer)
        return
    session.line(_("{key} was added.").format(key=key.upper()))
    if answer.note:
        session.say(of_notes(answer.notes, answer.note))
    if answer.model.state not in HAS_FILE:
        session.say(_("Download it with: modelctl pull {key}").format(key=key))


@click.command(cls=Verb, example="modelctl ls --long")
@click.option("-l", "--long", "long_", is_flag=True, help="Show everything known about each model.")
@pass_session
def ls(session: Session, long_: bool) -> None:
    """List the models."""
    models = session.client.list()
    if session.json:
        session.emit(replies.Models(models=models))
    elif not models:
        session.say(_("No models yet. Add one with: modelctl add KEY SOURCE"))
    elif long_:
        for number, model in enumerate(models):
            _card(session, model, number > 0)
    else:
        from modelctl.language.format import table

        headers = [_("KEY"), _("STATE"), _("SIZE"), _("CONTEXT"), _("NAME")]
        for line in table(headers, [_row(model) for model in models]):
            session.line(line)


@click.command(cls=Verb, example="modelctl show mistral")
@click.argument("key", type=KEY)
@pass_session
def show(session: Session, key: str) -> None:
    """Show everything known about a model."""
    shown = replies.Model(model=session.client.show(key))
    model = shown.model
    if model.state is ModelState.ABSENT and model.fits is None and model.source.startswith(REMOTE):
        shown = session.client.look(key)
        model = shown.model
    if session.json:
        session.emit(shown)
        return
    _card(session, model, False)
    if model.loaded and model.loaded.context_size:
        from modelctl.cli.answer import coloured_bar

        session.line("   ", coloured_bar(model.loaded.context_used, model.loaded.context_size))
    session.line(_("Source: {source}").format(source=model.source or _("unknown")))
    if model.path:
        path = _("Path: {path} (used in place)") if model.in_place else _("Path: {path}")
        session.line(path.format(path=model.path))
    if model.header:
        header = model.header
        text = _("Header: {architecture}, {quantization}, {count} parameters")
        session.line(
            text.format(architecture=header.architecture, quantization=header.quantization, count=header.parameters)
        )
        if header.sampling:
            session.line(_("Sampling: {settings}").format(settings=", ".join(map(_setting, header.sampling))))
    if model.fits is not None:
        from modelctl.cli.fit import fit_lines

        for line in fit_lines(model.fits):
            session.line(line)
    if shown.note:
        session.say(of_notes(shown.notes, shown.note))
    if model.failure and model.failure.hint:
        session.line(_("hint: {hint}").format(hint=advice(model.failure)))


@click.command(cls=Verb, example="modelctl rm mistral --keep-file")
@click.argument("key", type=KEY)
@click.option("--keep-file", is_flag=True, help="Keep the downloaded file.")
@pass_session
def rm(session: Session, key: str, keep_file: bool) -> None:
    """Remove a model, and its downloaded file."""
    answer = session.client.remove(key, keep_file=keep_file)
    if session.json:
        session.emit(answer)
    else:
        note = of_notes(answer.notes, answer.note) if isinstance(answer, replies.Done) else ""
        session.line(note or _("{key} was removed.").format(key=key.upper()))


def _setting(setting: SamplingSetting) -> str:
    text = f"{setting.name} {one_line(setting.value)}"
    return text if setting.applied else _("{setting} (not applied)").format(setting=text)


def _card(session: Session, model: ModelView, apart: bool) -> None:
    from modelctl.language.model_card import card_lines, model_card

    if apart:
        session.line("")
    for line in card_lines(model_card(model)):
        session.line(line)


def _row(model: ModelView) -> list[str]:
    from modelctl.language.format import format_bytes

    size = format_bytes(model.size_bytes) if model.size_bytes else "-"
    context = str(model.context_length) if model.context_length else "-"
    return [model.key.upper(), names.of_model_state(model.state), size, context, model.display_name]

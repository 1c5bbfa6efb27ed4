"""``scan``: finds models that other programs have on this disk, and adds them in place."""

import click
from modeld.protocol.views import FoundView

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import KEY, Verb
from modelctl.errors import explained
from modelctl.language.catalogue import _


@click.command(cls=Verb, example="modelctl scan\nmodelctl scan --add llama3-8b\nmodelctl scan --all")
@click.option("--add", "keys", type=KEY, multiple=True, help="Add the model with this KEY in place (repeatable).")
@click.option("--all", "all_", is_flag=True, help="Add every model that was found.")
@pass_session
def scan(session: Session, keys: tuple[str, ...], all_: bool) -> None:
    """List the models of Ollama, LM Studio, llama.cpp and the hub's cache; copies and changes nothing."""
    answer = session.client.scan(keys, all_models=all_)
    if session.json:
        session.emit(answer)
        return
    if not answer.found:
        where = ", ".join(answer.looked)
        session.say(_("No models of other programs were found (looked in: {where}).").format(where=where or "-"))
        return
    from modelctl.language.format import table

    headers = [_("KEY"), _("PROGRAM"), _("SIZE"), _("QUANTIZATION"), _("NAME"), _("STATE")]
    for line in table(headers, [_row(found) for found in answer.found]):
        session.line(line)
    for model in answer.added:
        session.say(_("{key} was added: {path}").format(key=model.key.upper(), path=model.path))
    if not answer.added and any(not found.model and found.failure is None for found in answer.found):
        session.say(_("Add one in place: modelctl scan --add KEY; add all: modelctl scan --all"))


def _row(found: FoundView) -> list[str]:
    from modelctl.language.format import format_bytes

    state = _("in use") if found.model else _("not added")
    if found.failure is not None:
        state = explained(found.failure)
    quantization = found.header.quantization if found.header else "?"
    return [found.key.upper(), found.program, format_bytes(found.size_bytes), quantization, found.name, state]

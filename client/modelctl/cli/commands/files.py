"""``files`` and ``search``: what a hub offers, before any download."""

import click
from modeld.protocol.views import RepoFileView, RepositoryView

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import Verb
from modelctl.language.catalogue import _, _n
from modelctl.language.sentences import of_notes


@click.command(cls=Verb, example="modelctl files hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF")
@click.argument("repo")
@pass_session
def files(session: Session, repo: str) -> None:
    """List the models in REPO (hf:ORG/REPO, optionally @REVISION): size, quantization, and whether each fits."""
    answer = session.client.files(repo if repo.startswith("hf:") else f"hf:{repo}")
    if session.json:
        session.emit(answer)
        return
    from modelctl.language.format import table

    headers = ["", _("QUANTIZATION"), _("SIZE"), _("PARTS"), _("MEMORY"), _("FITS"), _("FILE")]
    for line in table(headers, [_file(file, file.file == answer.chosen) for file in answer.files]):
        session.line(line)
    fit = next((file.fits for file in answer.files if file.fits), None)
    if fit is not None:
        text = _(
            "Memory is estimated for a context of {count} tokens. Download the model marked *: modelctl pull hf:{repo}"
        )
        session.say(text.format(count=fit.context_size, repo=answer.repo))
    if answer.note:
        session.say(of_notes(answer.notes, answer.note))


@click.command(cls=Verb, example="modelctl search qwen instruct")
@click.argument("words", nargs=-1, required=True)
@click.option(
    "-n", "--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many results to show."
)
@click.option("--next", "cursor", default="", help="Continue an earlier search with the text that it printed last.")
@pass_session
def search(session: Session, words: tuple[str, ...], limit: int, cursor: str) -> None:
    """Search the hub for repositories with GGUF files, most downloaded first."""
    text = " ".join(words)
    answer = session.client.search(text, limit=limit, cursor=cursor)
    if session.json:
        session.emit(answer)
        return
    if not answer.repositories:
        session.say(_("Nothing was found for {words}.").format(words=text))
        return
    from modelctl.language.format import table

    headers = [_("REPOSITORY"), _("DOWNLOADS"), _("LIKES"), _("UPDATED"), _("ACCESS")]
    for line in table(headers, [_repository(found) for found in answer.repositories]):
        session.line(line)
    session.say(_("See what is in one: modelctl files hf:{repo}").format(repo=answer.repositories[0].id))
    if answer.next:
        session.say(_("More: modelctl search {words} --next {next}").format(words=text, next=answer.next))


def _file(file: RepoFileView, chosen: bool) -> list[str]:
    from modelctl.cli.fit import verdict
    from modelctl.language.format import format_bytes

    return [
        "*" if chosen else "",
        file.quantization or "?",
        format_bytes(file.size_bytes),
        _n("{count} file", "{count} files", file.parts).format(count=file.parts) if file.parts > 1 else "",
        format_bytes(file.fits.memory_bytes) if file.fits else "?",
        verdict(file.fits) if file.fits else "?",
        file.file,
    ]


def _repository(found: RepositoryView) -> list[str]:
    access = _("gated") if found.gated else _("open")
    return [found.id, f"{found.downloads:,}", f"{found.likes:,}", found.updated_at[:10], access]

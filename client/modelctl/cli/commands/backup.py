"""``backup``, ``restore`` and ``export``: settings, models and benchmark results as files."""

import os
import sys
from pathlib import Path

import click
import msgspec
from modeld.protocol import replies
from modeld.protocol.errors import ErrorCode, Note
from modeld.protocol.views import Backup

from modelctl.cli import output
from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import KEY, Verb
from modelctl.errors import LocalFailure, ModeldError
from modelctl.language import system_errors
from modelctl.language.catalogue import _, _n
from modelctl.language.sentences import of_note

STDIN = "-"


@click.command(cls=Verb, example="modelctl backup modeld-backup.json")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@pass_session
def backup(session: Session, file: Path) -> None:
    """Write settings, added models and all benchmark results to FILE, without model files and the token."""
    from modelctl import backups

    made = session.client.backup()
    _write(file, backups.text(made))
    if session.json:
        session.emit(replies.Done(note=str(file)))
        return
    session.line(_("{path}: {what}.").format(path=file, what=_holds(made)))


@click.command(cls=Verb, example="modelctl restore modeld-backup.json\nmodelctl restore model_benchmarks.json")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--trust-settings",
    is_flag=True,
    help="Also restore settings with an address, a folder, a permission or a limit on clients, without asking.",
)
@pass_session
def restore(session: Session, file: str, trust_settings: bool) -> None:
    """Restore a backup, or import a model_benchmarks.json. Existing data is kept; repeating it is safe."""
    from modelctl import backups

    content = sys.stdin.buffer.read() if file == STDIN else _read(Path(file))
    found, results = backups.read(content, file)
    done = session.client.restore(found, results, trust_settings=trust_settings)
    held_back = backups.held_back(done)
    if held_back and file != STDIN and _agrees(session, held_back):
        settings = msgspec.structs.replace(found, models=[], runs=[])
        done = backups.with_settings(done, session.client.restore(settings, trust_settings=True))
    if session.json:
        session.emit(done)
    else:
        for line in _summary(done):
            session.line(line)
    if done.refused:
        raise click.exceptions.Exit(1)


@click.command(cls=Verb, example="modelctl export csv results.csv\nmodelctl export md --model mistral")
@click.argument("format_", metavar="FORMAT", type=click.Choice(["csv", "json", "md"]))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option(
    "--model", "keys", type=KEY, multiple=True, help="Only events of this model; may be given more than once."
)
@pass_session
def export(session: Session, format_: str, file: Path | None, keys: tuple[str, ...]) -> None:
    """Write all benchmark results as FORMAT (csv, json, md) to FILE or standard output."""
    from modelctl.cli import result_files

    runs = [run for run in session.client.backup().runs if not keys or run.result.model_key in keys]
    text = result_files.FORMATS[format_](runs)
    if file is None:
        output.exported(text)
        return
    _write(file, text.encode())
    if session.json:
        session.emit(replies.Done(note=str(file)))
    else:
        count = _n("{count} result", "{count} results", len(runs)).format(count=len(runs))
        session.line(_("{path}: {what}.").format(path=file, what=count))


def _agrees(session: Session, held_back: list[Note]) -> bool:
    """Ask the user about settings that can do harm; without a terminal the answer is no."""
    if session.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    session.say(_("The backup contains settings that can open modeld to others or change where it reads and writes:"))
    for note in held_back:
        session.say(f"  {note.fields['name']} = {note.fields['value']}")
    return click.confirm(_("Restore these settings too?"), default=False, err=True)


def _holds(made: Backup) -> str:
    settings = len(made.settings.splitlines())
    return ", ".join(
        [
            _n("{count} setting", "{count} settings", settings).format(count=settings),
            _n("{count} added model", "{count} added models", len(made.models)).format(count=len(made.models)),
            _n("{count} result", "{count} results", len(made.runs)).format(count=len(made.runs)),
        ]
    )


def _summary(done: replies.Restored) -> list[str]:
    """The result of a restore, one line per kind of data."""
    lines = []
    if done.settings:
        lines.append(
            _("Settings restored, effective from the next start: {names}").format(names=", ".join(done.settings))
        )
    if done.settings_known:
        lines.append(_("Settings left unchanged: {names}").format(names=", ".join(done.settings_known)))
    if done.models:
        lines.append(_("Models added: {names}").format(names=", ".join(done.models)))
    if done.models_known:
        lines.append(_("Models already known: {names}").format(names=", ".join(done.models_known)))
    if done.runs or done.runs_known:
        results = _("Results restored: {count}, already known: {known}")
        lines.append(results.format(count=done.runs, known=done.runs_known))
    refused = [of_note(note) for note in done.refusals] or done.refused
    lines += [_("Refused: {reason}").format(reason=reason) for reason in refused]
    return lines or [_("The backup is empty.")]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        unreadable = _("{path} cannot be read: {error}.").format(path=file, error=system_errors.of(error))
        raise ModeldError(LocalFailure(code=ErrorCode.BAD_REQUEST, message=unreadable)) from error


def _write(file: Path, content: bytes) -> None:
    """Write the file atomically, readable by this user only; an existing file is replaced at the end."""
    temporary = file.with_name(file.name + ".new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except OSError as error:
        unwritable = _("{path} cannot be written: {error}.").format(path=file, error=system_errors.of(error))
        raise ModeldError(LocalFailure(code=ErrorCode.UNWRITABLE, message=unwritable)) from error

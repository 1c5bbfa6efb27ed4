"""``service``: controls whether modeld starts at login."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeVar

import click
from modeld.protocol.errors import ErrorCode
from modelservice import Message, Program, ServiceError, for_this_system

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import Verb, VerbGroup
from modelctl.errors import LocalFailure, ModeldError
from modelctl.language.catalogue import _
from modelctl.language.sentences import of_message

_T = TypeVar("_T")


@click.group(cls=VerbGroup, example="modelctl service install")
def service() -> None:
    """Manage whether modeld starts at login."""


@service.command(cls=Verb, example="modelctl service install")
@pass_session
def install(session: Session) -> None:
    """Start modeld now and at every login."""
    _report(session, _tried(lambda: for_this_system().install(Program.of_this_python())))


@service.command(cls=Verb, example="modelctl service uninstall")
@pass_session
def uninstall(session: Session) -> None:
    """Stop starting modeld at login. Models, settings and results are kept."""
    done = _tried(lambda: for_this_system().uninstall())
    _report(session, done)
    if not done:
        session.say(_("It was not installed."))
    session.say(_("Your models are still in {folder}.").format(folder=session.places.models_dir))


@service.command(cls=Verb, example="modelctl service status")
@pass_session
def status(session: Session) -> None:
    """Show whether modeld starts at login."""
    state = _tried(lambda: for_this_system().state())
    if session.json:
        session.json_line(json.dumps(asdict(state)))
        return
    yes, no = _("yes"), _("no")
    session.line(_("{kind}: {files}").format(kind=_(state.kind), files=", ".join(state.files) or _("not installed")))
    session.line(_("starts at login: {answer}").format(answer=yes if state.at_login else no))
    session.line(_("runs as a service: {answer}").format(answer=yes if state.running else no))
    if state.note:
        session.line(state.note)


def _report(session: Session, done: list[Message]) -> None:
    if session.json:
        session.json_line(json.dumps({"done": [str(message) for message in done]}))
        return
    for message in done:
        session.line(of_message(message))


def _tried(action: Callable[[], _T]) -> _T:
    try:
        return action()
    except ServiceError as error:
        failure = LocalFailure(code=ErrorCode.INTERNAL, message=of_message(error.message))
        raise ModeldError(failure) from error

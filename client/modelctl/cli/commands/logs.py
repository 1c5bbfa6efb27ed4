"""``logs``: prints the daemon's log, even while no daemon runs."""

import json

import click
from modeld.protocol.errors import ErrorCode

from modelctl import logfile
from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import Verb
from modelctl.errors import LocalFailure, NotFound
from modelctl.language.catalogue import _


@click.command(cls=Verb, example="modelctl logs -f -n 100")
@click.option("-f", "--follow", is_flag=True, help="Keep printing new lines as they are written.")
@click.option(
    "-n", "lines", type=click.IntRange(min=0), default=50, show_default=True, help="How many earlier lines to show."
)
@pass_session
def logs(session: Session, follow: bool, lines: int) -> None:
    """Show the end of the daemon's log."""
    path = session.places.log_file
    if not path.exists() and not follow:
        raise NotFound(
            LocalFailure(
                code=ErrorCode.NOT_FOUND,
                message=_("There is no log yet at {path}.").format(path=path),
                hint=_("Start with: modelctl up"),
            )
        )
    found, position = logfile.tail(path, lines) if path.exists() else ([], 0)
    for line in found:
        _print(session, line)
    if follow:
        for new in logfile.follow(path, position):
            for line in new:
                _print(session, line)


def _print(session: Session, line: str) -> None:
    if session.json:
        session.json_line(json.dumps({"line": line}, ensure_ascii=False))
    else:
        session.line(line)

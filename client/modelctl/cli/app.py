"""The command line: finds the verb, runs it, and turns errors into a message and an exit code.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the daemon is not reachable, 4 not found, 5 refused, 6 the daemon
runs but does not respond, 130 interrupted.
"""

import io
import os
import sys
from collections.abc import Sequence

import click
from modeld import __version__
from modeld.protocol import wire
from modeld.protocol.errors import ErrorCode, Failure

from modelctl.cli import output
from modelctl.cli.output import Coloured, colour_wanted
from modelctl.cli.session import Session
from modelctl.cli.verb import in_language, json_option
from modelctl.errors import LocalFailure, ModeldError, advice, explained
from modelctl.language import catalogue, preference
from modelctl.language.catalogue import _

INTERRUPTED = 130
BROKEN_PIPE = 141

VERBS = {
    "up": "lifecycle",
    "down": "lifecycle",
    "status": "status",
    "logs": "logs",
    "add": "models",
    "ls": "models",
    "show": "models",
    "rm": "models",
    "files": "files",
    "search": "files",
    "scan": "scan",
    "pull": "pull",
    "jobs": "jobs",
    "cancel": "jobs",
    "pause": "jobs",
    "resume": "jobs",
    "downloads": "downloads",
    "move": "downloads",
    "limit": "downloads",
    "load": "memory",
    "unload": "memory",
    "pin": "memory",
    "unpin": "memory",
    "ps": "memory",
    "run": "run",
    "bench": "benchmarks",
    "results": "benchmarks",
    "compare": "benchmarks",
    "export": "backup",
    "backup": "backup",
    "restore": "backup",
    "watch": "watch",
    "notify": "desktop",
    "tray": "desktop",
    "viewer": "desktop",
    "keys": "remote",
    "hosts": "remote",
    "service": "service",
    "doctor": "doctor",
    "completion": "completion",
}
"""Verb -> its module in ``modelctl.cli.commands``, which defines a command with the verb's name."""


OF_THIS_MACHINE = frozenset(
    {"up", "down", "logs", "notify", "tray", "viewer", "keys", "hosts", "service", "doctor", "completion"}
)
"""Verbs about this machine's own processes and files; they reject ``--host``."""


LEAVES_IT_DEAD = frozenset({"status", "up", "down", "doctor"})
"""Verbs that do not start a daemon that died: they report it, start it themselves, or want it stopped."""


class LazyGroup(click.Group):
    """A group that imports a verb's module only when the verb is used."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; reject one about this machine together with ``--host``."""
        ctx.ensure_object(Session).revives = bool(args) and args[0] not in LEAVES_IT_DEAD
        if ctx.ensure_object(Session).host and args and args[0] in OF_THIS_MACHINE:
            raise click.UsageError(_("{verb} works on this machine only; remove --host.").format(verb=args[0]), ctx)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The verbs, in the order of typical use."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The verb with this name."""
        if cmd_name not in VERBS:
            return None
        from importlib import import_module

        module = import_module(f"modelctl.cli.commands.{VERBS[cmd_name]}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return in_language(command)


def _set_host(context: click.Context, _parameter: click.Parameter, value: str) -> None:
    context.ensure_object(Session).host = value


def _host_option() -> click.Option:
    return click.Option(
        ["--host"],
        metavar="NAME",
        default="",
        expose_value=False,
        callback=_set_host,
        help="Use the daemon of another machine (see: modelctl hosts).",
    )


cli = LazyGroup(
    name="modelctl",
    help="Download, load, run and measure local models through the modeld daemon.",
    params=[json_option(), _host_option()],
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: modelctl up",
)
click.version_option(
    __version__, prog_name="modelctl", message="%(prog)s %(version)s", help="Show the version and exit."
)(cli)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal or file whose encoding lacks a character gets "?", not a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    session = Session()
    if "--json" not in words:  # programs read this output, and they expect English
        _speak(session)
    sys.exit(_run(words, session))


def _speak(session: Session) -> None:
    """Choose the language before any verb is imported."""
    wanted = preference.chosen(os.environ)
    if (session.places.config_dir / preference.PREFERENCES_FILE).exists():
        catalogue.use(wanted)  # errors in the preferences are reported in the system's language
        wanted = preference.chosen(os.environ, session.preferences.language)
    catalogue.use(wanted)
    catalogue.use_for_click(wanted)
    in_language(cli)


def _run(words: list[str], session: Session) -> int:
    try:
        code = cli.main(words, prog_name="modelctl", standalone_mode=False, obj=session, color=colour_wanted())
        sys.stdout.flush()
    except ModeldError as error:
        return _report(error.failure, session.json, error.exit_code)
    except click.UsageError as error:
        return _misused(error, session.json or "--json" in words)
    except click.ClickException as error:
        failure = LocalFailure(code=ErrorCode.INTERNAL, message=error.format_message())
        return _report(failure, session.json, error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has exited; Python's own flush at exit must not complain about that either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code if isinstance(code, int) else 0


def _misused(error: click.UsageError, as_json: bool) -> int:
    if as_json:
        return _report(LocalFailure(code=ErrorCode.BAD_REQUEST, message=error.format_message()), True, 2)
    shown = io.StringIO()
    error.show(shown)
    output.lines(shown.getvalue().rstrip(), err=True)
    return 2


def _report(failure: Failure, as_json: bool, exit_code: int) -> int:
    if as_json:
        output.json_line('{"error":' + wire.encode(failure).decode() + "}", err=True)
        return exit_code
    output.lines(Coloured(_("error:"), "red"), f" {explained(failure)}", err=True)
    if failure.hint:
        output.lines(_("hint: {hint}").format(hint=advice(failure)), err=True)
    return exit_code


if __name__ == "__main__":
    main()

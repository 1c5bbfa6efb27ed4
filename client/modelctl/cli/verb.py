"""Declares verbs: each has ``--json``, an example, and keys in any case with completion.

click needs docstrings and ``help=`` in English; ``in_language`` translates them.
"""

import inspect
from typing import TYPE_CHECKING, Any

import click

from modelctl.cli.session import Session
from modelctl.language.catalogue import _
from modelctl.language.printable import one_line

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    _ParamType = click.ParamType[str]
else:
    _ParamType = click.ParamType  # generic in click's newest stubs only


def _set_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Session).json = True


def json_option() -> click.Option:
    """The ``--json`` switch; accepted before and after the verb."""
    return click.Option(
        ["--json"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_set_json,
        help="Print the daemon's answer as JSON (a stream as JSON Lines).",
    )


class _Example(click.Command):
    """A command with ``--json``, whose help ends with an example."""

    def __init__(self, *args: Any, example: str, **kwargs: Any) -> None:  # Any: click's own signature is not exported
        super().__init__(*args, **kwargs)
        self.params.append(json_option())
        self.example = example

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The example as the user would type it."""
        with formatter.section(_("Example")):
            for line in self.example.splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")
        super().format_epilog(ctx, formatter)


class Verb(_Example):
    """A verb; ``example`` is shown at the end of its help."""


class VerbGroup(_Example, click.Group):
    """A verb with subverbs (``service install``); ``example`` is shown at the end of its help."""


def in_language(command: click.Command) -> click.Command:
    """``command`` with its help and its options' help in the current language."""
    if command.help:
        command.help = _(inspect.cleandoc(command.help))
    if command.epilog:
        command.epilog = _(command.epilog)
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help:
            parameter.help = _(parameter.help)
    if isinstance(command, click.Group):
        for verb in command.commands.values():
            in_language(verb)
    return command


class KeyType(_ParamType):
    """A model's key, in any case; completes to the keys that a running daemon knows."""

    name = "key"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The key in lower case, as the daemon uses it."""
        if not value.strip():
            self.fail(_("a model's key is not empty."), param, ctx)
        return value.lower()

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":  # noqa: ARG002 - click's signature
        """The keys with this prefix; none if no daemon answers at once."""
        from click.shell_completion import CompletionItem

        from modelctl.client import Client
        from modelctl.errors import ModeldError

        try:
            with Client(timeout_s=1.0) as client:
                models = client.list()
        except ModeldError:
            return []
        keys = [(one_line(model.key), one_line(model.display_name)) for model in models]
        start = incomplete.lower()
        return [CompletionItem(key, help=name) for key, name in keys if key.startswith(start)]


class KeyOrSourceType(KeyType):
    """A key, or a download source (``hf:org/repo``, a URL), which stays unchanged."""

    name = "key or source"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The key in lower case, or the source."""
        from modelctl.client import SOURCES

        return value if value.startswith(SOURCES) else super().convert(value, param, ctx)


KEY = KeyType()
KEY_OR_SOURCE = KeyOrSourceType()

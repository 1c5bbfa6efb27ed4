"""``completion``: prints the script for shell completion."""

import json

import click
from click.shell_completion import get_completion_class

from modelctl.cli import output
from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import Verb


@click.command(cls=Verb, example='eval "$(modelctl completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@pass_session
def completion(session: Session, shell: str) -> None:
    """Print the script that lets a shell complete verbs, options and model keys."""
    from modelctl.cli.app import cli

    found = get_completion_class(shell)
    assert found is not None  # the choices are defined by click
    source = found(cli, {}, "modelctl", "_MODELCTL_COMPLETE").source()
    if session.json:
        session.json_line(json.dumps({"shell": shell, "source": source}))
    else:
        output.text(f"{source}\n")

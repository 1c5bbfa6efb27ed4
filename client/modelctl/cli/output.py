"""The only place that prints for the command line, so no verb can print a control character of others.

Colours are data (``Coloured``) until the text has been made safe.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

import click

from modelctl.language.printable import json_text, one_line, printable


@dataclass(frozen=True)
class Coloured:
    """A text in a colour of the terminal."""

    text: str
    colour: str
    bold: bool = False


Part = str | Coloured


def line(*parts: Part, err: bool = False) -> None:
    """Print one line; a line end inside becomes visible."""
    _print("".join(map(_styled, parts)), err)


def lines(*parts: Part, err: bool = False) -> None:
    """Print text that may have several lines, and end it with a newline."""
    _print("".join(_styled(part, printable) for part in parts), err)


def text(content: str) -> None:
    """Print text with its own line ends to standard output, and add nothing."""
    _print(printable(content), False, newline=False)


def exported(content: str) -> None:
    """Print the content of an exported file; its format has already made the texts of others safe."""
    _print(content, False, newline=False)


def json_line(content: str, err: bool = False) -> None:
    """Print one JSON text."""
    _print(json_text(content), err)


def colour_wanted() -> bool | None:
    """False if NO_COLOR forbids it, None if click may check whether it writes to a terminal."""
    return False if os.environ.get("NO_COLOR") else None


def _styled(part: Part, safe: Callable[[str], str] = one_line) -> str:
    if isinstance(part, str):
        return safe(part)
    return click.style(safe(part.text), fg=part.colour, bold=part.bold or None)


def _print(content: str, err: bool, newline: bool = True) -> None:
    click.echo(content, err=err, nl=newline, color=colour_wanted())
    (sys.stderr if err else sys.stdout).flush()  # a reader of a pipe gets it at once

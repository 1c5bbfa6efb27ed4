"""An answer on the terminal as it comes, and the context it took."""

import sys

import click
from modeld.protocol.views import Generation

from modelctl.cli.session import Session, colour_wanted
from modelctl.client import GenerationStream
from modelctl.language.catalogue import _

_COLOURS = {"green": "green", "orange": "yellow", "red": "red"}
"""Terminals have no orange; yellow is what they show for it."""


def print_answer(session: Session, stream: GenerationStream) -> bool:
    """Print the chunks as they come; on Ctrl-C cancel and print what still comes. Whether it was interrupted."""
    try:
        _print_chunks(session, stream)
    except KeyboardInterrupt:
        stream.cancel()
        # The daemon answers a cancelled generation with what there was; a second Ctrl-C does not wait for it.
        _print_chunks(session, stream)
        interrupted = True
    except BaseException:  # the reader of our output has gone, say: nobody wants the rest
        stream.close()
        raise
    else:
        interrupted = False
    if not session.json:
        click.echo()
    return interrupted


def coloured_bar(used: int, size: int) -> str:
    """The context bar in its colour, where colour is wanted."""
    from modelctl.language.format import context_bar, context_colour

    bar = context_bar(used, size)
    return bar if colour_wanted() is False else click.style(bar, fg=_COLOURS[context_colour(used, size)])


def print_context(session: Session, generation: Generation) -> None:
    """The context bar, for a person at a terminal, and how the answer ended where that is not plain."""
    if sys.stderr.isatty():
        session.say(coloured_bar(generation.context_used, generation.context_size))
    if generation.finish == "context_full":
        full = _("The answer ends here: the context of {size} tokens is full.")
        session.say(full.format(size=generation.context_size))
    elif generation.finish == "cancelled":
        session.say(_("Cancelled."))


def _print_chunks(session: Session, stream: GenerationStream) -> None:
    for chunk in stream:
        if session.json:
            session.emit(chunk)
        else:
            click.echo(chunk.text, nl=False)
            sys.stdout.flush()

"""Prints a streamed answer on the terminal, and how much of the context is used."""

import sys

from modeld.protocol.views import Generation

from modelctl.cli import output
from modelctl.cli.output import Coloured
from modelctl.cli.session import Session
from modelctl.client import GenerationStream
from modelctl.language.catalogue import _

_COLOURS = {"green": "green", "orange": "yellow", "red": "red"}
"""The terminal's stand-in for orange, which terminals lack."""


def print_answer(session: Session, stream: GenerationStream) -> bool:
    """Print the chunks as they arrive; Ctrl-C cancels the answer. Returns whether it was interrupted."""
    try:
        _print_chunks(session, stream)
    except KeyboardInterrupt:
        stream.cancel()
        # The daemon answers a cancelled generation with the text so far; a second Ctrl-C does not wait for that.
        _print_chunks(session, stream)
        interrupted = True
    except BaseException:  # the reader of our output has exited (head, say), so nothing needs the rest
        stream.close()
        raise
    else:
        interrupted = False
    if not session.json:
        output.line("")
    return interrupted


def coloured_bar(used: int, size: int) -> Coloured:
    """The context bar in its colour."""
    from modelctl.language.format import context_bar, context_colour

    return Coloured(context_bar(used, size), _COLOURS[context_colour(used, size)])


def print_context(session: Session, generation: Generation) -> None:
    """Print the context bar if this is a terminal, and why the answer ended if it did not end normally."""
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
            output.text(chunk.text)

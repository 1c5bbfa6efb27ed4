"""The chat tab's conversation: questions, growing answers, and how each ended; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from modeld.protocol.requests import Message
from modeld.protocol.views import Generation

from modelctl.decode_rate import decode_rate
from modelctl.language.catalogue import _, _n

KEPT = 100
"""The number of exchanges that are kept and sent; older ones are dropped."""


@dataclass
class Exchange:
    """A question and its answer; ``note`` says how it ended, ``error`` whether it failed."""

    number: int
    model: str
    question: str
    answer: str = ""
    figures: str = ""
    note: str = ""
    error: bool = False
    ended: bool = False

    @property
    def counts(self) -> bool:
        """Whether later questions include it: it was answered, at least in part."""
        return self.ended and not self.error and bool(self.answer)


class Conversation:
    """The exchanges so far, oldest first; at most one is being answered."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._number = 0
        self.exchanges: list[Exchange] = []

    @property
    def current(self) -> Exchange | None:
        """The exchange that is being answered."""
        last = self.exchanges[-1] if self.exchanges else None
        return None if last is None or last.ended else last

    def ask(self, model: str, question: str) -> Sequence[Message]:
        """Start an exchange; return the messages to send: all answered exchanges, then the question."""
        self._number += 1
        messages = [message for exchange in self.exchanges if exchange.counts for message in _messages(exchange)]
        self.exchanges = [*self.exchanges, Exchange(self._number, model, question)][-self._kept :]
        return [*messages, Message(role="user", content=question)]

    def add(self, text: str) -> None:
        """Append to the answer."""
        if self.current is not None:
            self.current.answer += text

    def end(self, generation: Generation) -> None:
        """Mark the answer as ended."""
        exchange = self.current
        if exchange is not None:
            exchange.answer = generation.text or exchange.answer
            exchange.figures = figures(generation)
            exchange.note = ending(generation)
            exchange.ended = True

    def fail(self, why: str) -> str:
        """Mark the answer as failed, keeping its text so far. Returns the question, so that it can be asked again."""
        exchange = self.current
        if exchange is None:
            return ""
        exchange.note, exchange.error, exchange.ended = why, True, True
        return exchange.question

    def clear(self) -> None:
        """Remove all exchanges."""
        self.exchanges = []


def figures(generation: Generation) -> str:
    """The answer's figures: tokens, decode rate, and time to the first token."""
    count = generation.completion_tokens
    parts = [_n("{count} token", "{count} tokens", count).format(count=count)]
    rate = decode_rate(generation)
    if rate is not None:
        parts.append(_("{rate:.1f} tokens/s").format(rate=rate))
    if count:
        parts.append(_("first token after {ms:.0f} ms").format(ms=generation.first_token_ms))
    return "  ·  ".join(parts)


def ending(generation: Generation) -> str:
    """Why the answer ended there, unless the model had finished."""
    match generation.finish:
        case "context_full":
            return _(
                "The answer ends here: the context of {size} tokens is full. Nothing was truncated. "
                "Clear the conversation, or load the model with a larger context."
            ).format(size=generation.context_size)
        case "cancelled":
            return _("Stopped.")
        case "length":
            return _("The answer reached its limit.")
        case _ if not generation.text:
            return _("The model's answer is empty.")
        case _:
            return ""


def _messages(exchange: Exchange) -> Sequence[Message]:
    return (
        Message(role="user", content=exchange.question),
        Message(role="assistant", content=exchange.answer),
    )

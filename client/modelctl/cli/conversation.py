"""A conversation with a model on the terminal; each question is sent with all earlier turns."""

import contextlib

from modeld.protocol.requests import Message, Sampling

from modelctl.cli.answer import print_answer, print_context
from modelctl.cli.session import Session
from modelctl.errors import DaemonUnavailable, ModeldError, advice, explained
from modelctl.language.catalogue import _

PROMPT = ">>> "


class TerminalChat:
    """The turns so far, after an optional system message."""

    def __init__(
        self, session: Session, key: str, instruction: list[Message], max_tokens: int, sampling: Sampling
    ) -> None:
        self._session = session
        self._key = key
        self._instruction = instruction
        self._max_tokens = max_tokens
        self._sampling = sampling
        self._turns: list[Message] = []

    def hold(self) -> None:
        """Ask and answer until ``/bye`` or the end of the input."""
        with contextlib.suppress(ImportError):  # Windows has no readline; its console edits the line itself
            import readline  # noqa: F401 - importing it gives input() history and editing

        talking = _("Chat with {key}. /clear clears the conversation, /bye or Ctrl-D ends it, Ctrl-C stops an answer.")
        self._session.say(talking.format(key=self._key.upper()))
        while True:
            try:
                typed = input(PROMPT).strip()
            except KeyboardInterrupt:
                self._session.warn("")
                continue
            except EOFError:
                self._session.warn("")
                return
            match typed:
                case "":
                    continue
                case "/bye":
                    return
                case "/clear":
                    self._turns.clear()
                    self._session.say(_("The conversation is cleared."))
                case _:
                    self._ask(typed)

    def _ask(self, typed: str) -> None:
        """Ask one question and print its answer; a failure leaves the conversation unchanged."""
        question = Message(role="user", content=typed)
        turns = [*self._instruction, *self._turns, question]
        try:
            stream = self._session.client.stream_chat(
                self._key, turns, max_tokens=self._max_tokens, sampling=self._sampling
            )
            print_answer(self._session, stream)
            generation = stream.generation
        except DaemonUnavailable:
            raise
        except ModeldError as error:
            self._session.warn(f"{_('error:')} {explained(error.failure)}")
            if error.hint:
                self._session.warn(_("hint: {hint}").format(hint=advice(error.failure)))
            return
        print_context(self._session, generation)
        self._turns += [question, Message(role="assistant", content=generation.text)]

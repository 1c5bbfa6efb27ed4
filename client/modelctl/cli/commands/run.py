"""``run``: sends a model one prompt, or starts a conversation."""

import sys

import click
from modeld.protocol import replies
from modeld.protocol.requests import Message, Sampling

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import KEY, Verb
from modelctl.client import GenerationStream
from modelctl.language.catalogue import _


@click.command(cls=Verb, example='modelctl run mistral "Why is the sky blue?"\ngit diff | modelctl run mistral')
@click.argument("key", type=KEY)
@click.argument("prompt", required=False)
@click.option("--system", help="System message: the model's instructions for the conversation.")
@click.option("--max-tokens", type=click.IntRange(min=0), default=0, help="Maximum number of tokens; 0: no limit.")
@click.option("--temperature", type=click.FloatRange(min=0), help="0 is greedy; default: the model's own, else 0.8.")
@click.option("--seed", type=click.IntRange(min=0), help="The same seed gives the same answer.")
@click.option("--raw", is_flag=True, help="Continue PROMPT as is, without the model's chat template.")
@pass_session
def run(
    session: Session,
    key: str,
    prompt: str | None,
    system: str | None,
    max_tokens: int,
    temperature: float | None,
    seed: int | None,
    raw: bool,
) -> None:
    """Answer PROMPT, or standard input. Without either, a terminal starts a conversation.

    In a conversation, /clear clears it, and /bye or Ctrl-D ends it. Ctrl-C cancels the answer.
    """
    sampling = Sampling(temperature=temperature, seed=seed)
    instruction = [Message(role="system", content=system)] if system else []
    if prompt is None and sys.stdin.isatty() and not raw:
        from modelctl.cli.conversation import TerminalChat

        TerminalChat(session, key, instruction, max_tokens, sampling).hold()
        return
    asked = sys.stdin.read() if prompt is None else prompt
    if not asked.strip():
        raise click.UsageError(_("No PROMPT is given, and standard input is empty."))
    if raw:
        stream = session.client.stream_generate(key, asked, max_tokens=max_tokens, sampling=sampling)
    else:
        turns = [*instruction, Message(role="user", content=asked)]
        stream = session.client.stream_chat(key, turns, max_tokens=max_tokens, sampling=sampling)
    _answer(session, stream)


def _answer(session: Session, stream: GenerationStream) -> None:
    from modelctl.cli.answer import print_answer, print_context

    interrupted = print_answer(session, stream)
    if session.json:
        session.emit(replies.Generated(generation=stream.generation))
    else:
        print_context(session, stream.generation)
    if interrupted:
        raise click.exceptions.Exit(130)

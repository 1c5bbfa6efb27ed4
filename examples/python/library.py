"""Use modeld from Python through its client library: typed, and usable from any thread.

python library.py list
python library.py load smollm2
python library.py chat smollm2 "Why is the sky blue?"
python library.py follow
"""

import sys
import threading

from modelctl import Client
from modelctl.client import Message
from modelctl.errors import DaemonUnavailable, ModeldError
from modelctl.follow import Mirror, keep_following
from modeld.protocol import events


def show_list(client: Client) -> None:
    """Print each model and its state."""
    for model in client.list():
        print(model.key, model.state)


def load(client: Client, key: str) -> None:
    """Load a model and print its memory and device."""
    model = client.load(key).model
    assert model.loaded is not None
    print(model.key, model.state, model.loaded.memory_bytes)


def chat(client: Client, key: str, text: str) -> None:
    """Print the answer as it arrives, then how it ended."""
    with client.stream_chat(key, [Message(role="user", content=text)], max_tokens=64) as stream:
        for chunk in stream:
            print(chunk.text, end="", flush=True)
    end = stream.generation
    print(f"\n[{end.finish}: {end.completion_tokens} tokens, context {end.context_used}]")


def show_events(client: Client) -> None:
    """Print every event, across restarts of the daemon."""

    def changed(mirror: Mirror | None, event: events.AnyEvent | None) -> None:
        match event:
            case None:
                print(f"snapshot {len(mirror.snapshot.models)}" if mirror else "away", flush=True)
            case events.Heartbeat():
                pass
            case events.ModelChanged(seq=seq, model=model):
                print(seq, "model_changed", model.key, model.state, flush=True)
            case _:
                print(event.seq, type(event).__struct_config__.tag, flush=True)

    keep_following(client.transport, changed, threading.Event())


def main(words: list[str]) -> None:
    """Run one verb."""
    with Client() as client:
        match words:
            case ["list"]:
                show_list(client)
            case ["load", key]:
                load(client, key)
            case ["chat", key, text]:
                chat(client, key, text)
            case ["follow"]:
                show_events(client)
            case _:
                sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except DaemonUnavailable as error:
        sys.exit(f"away: {error.message} {error.hint}")
    except ModeldError as error:
        sys.exit(f"{error.code}: {error}")
    except KeyboardInterrupt:
        pass

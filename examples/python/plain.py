"""Use modeld from Python with pyzmq and json only, without its library; docs/protocol.md describes everything.

python plain.py list
python plain.py load smollm2
python plain.py chat smollm2 "Why is the sky blue?"
python plain.py follow
"""

import json
import os
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zmq

VERSION = 1
SILENCE_MS = 3000
"""The daemon sends something each second; after three seconds without a message it counts as unreachable."""

Json = dict[str, Any]


class FailedError(Exception):
    """The daemon refused or failed; ``code`` is for programs to branch on."""

    def __init__(self, error: Json) -> None:
        super().__init__(f"{error['message']} {error.get('hint', '')}".strip())
        self.code = error["code"]


class AwayError(Exception):
    """No daemon is running."""


def connection_files() -> list[Path]:
    """The possible paths of the connection file, most likely first."""
    if home := os.environ.get("MODELD_HOME"):
        return [Path(home, "run", "connection.json")]
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return [Path(runtime, "modeld", "connection.json"), Path(data, "modeld", "run", "connection.json")]


def connection() -> Json:
    """The daemon's endpoints. Raises AwayError."""
    file = next((file for file in connection_files() if file.exists()), None)
    if file is None:
        raise AwayError("modeld is not running; start it with: modelctl up")
    try:
        found: Json = json.loads(file.read_text(encoding="utf-8"))
        os.kill(found["pid"], 0)  # only checks; a killed daemon leaves its file behind
    except (FileNotFoundError, ProcessLookupError) as error:
        raise AwayError("modeld is not running; start it with: modelctl up") from error
    if found["v"] != VERSION:
        raise SystemExit(f"This daemon speaks version {found['v']} of the protocol, not {VERSION}.")
    return found


class Commands:
    """Requests and their replies, over a DEALER socket."""

    def __init__(self) -> None:
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(connection()["commands"])

    def stream(self, op: str, **fields: object) -> Iterator[Json]:
        """Send one request; yield its chunks and finally its result. Raises FailedError."""
        request_id = uuid.uuid4().hex
        request = {"v": VERSION, "id": request_id, "op": op, **fields}
        self._socket.send_multipart([b"", json.dumps(request).encode()])
        while True:
            _delimiter, body = self._socket.recv_multipart()
            reply = json.loads(body)
            if reply["id"] != request_id:
                continue  # the rest of an earlier stream that was abandoned
            if not reply["ok"]:
                raise FailedError(reply["error"])
            if "chunk" not in reply:
                yield reply["result"]
                return
            yield reply["chunk"]

    def ask(self, op: str, **fields: object) -> Json:
        """Send one request and return its result. Raises FailedError."""
        *_chunks, result = self.stream(op, **fields)
        return result

    def close(self) -> None:
        """Close the socket; that cancels a generation that still runs."""
        self._socket.close()


def follow() -> Iterator[tuple[Json, Json | None]]:
    """The daemon's state, kept current: yields the snapshot's models by key, and the event that changed something.

    The event is None after each snapshot: at the start, and whenever events were missed. Ends with the daemon.
    """
    events: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
    events.setsockopt(zmq.LINGER, 0)
    events.subscribe(b"")  # 1. subscribe before requesting the snapshot
    events.setsockopt(zmq.RCVTIMEO, SILENCE_MS)
    commands = Commands()
    events.connect(connection()["events"])
    try:
        epoch, seq, models = _snapshot(commands)  # 2. events that arrive meanwhile wait in the socket
        yield models, None
        while True:
            _topic, body = events.recv_multipart()
            event = json.loads(body)
            if event["epoch"] == epoch and event["seq"] <= seq:  # 3. the snapshot already includes it
                continue
            # 4. another daemon, or 5. missed events, which a heartbeat also reveals
            if event["epoch"] != epoch or event["type"] == "heartbeat" or event["seq"] != seq + 1:
                epoch, seq, models = _snapshot(commands)
                yield models, None
                continue
            seq += 1
            if event["type"] == "model_changed":
                models[event["model"]["key"]] = event["model"]
            elif event["type"] == "model_removed":
                del models[event["model"]]
            yield models, event
            if event["type"] == "daemon_stopping":
                return
    except zmq.Again:
        return  # 6. three seconds without an event
    finally:
        events.close()
        commands.close()


def _snapshot(commands: Commands) -> tuple[str, int, dict[str, Json]]:
    found = commands.ask("snapshot")["snapshot"]
    return found["epoch"], found["seq"], {model["key"]: model for model in found["models"]}


def show_list() -> None:
    """Print each model and its state."""
    for model in Commands().ask("list")["models"]:
        print(model["key"], model["state"])


def load(key: str) -> None:
    """Load a model and print its memory and device."""
    model = Commands().ask("load", model=key, wait=True)["model"]
    print(model["key"], model["state"], model["loaded"]["memory_bytes"])


def chat(key: str, text: str) -> None:
    """Print the answer as it arrives, then how it ended."""
    request = {"model": key, "messages": [{"role": "user", "content": text}], "max_tokens": 64, "stream": True}
    for part in Commands().stream("chat", **request):
        if "generation" not in part:
            print(part["text"], end="", flush=True)
        else:
            end = part["generation"]
            print(f"\n[{end['finish']}: {end['completion_tokens']} tokens, context {end['context_used']}]")


def show_events() -> None:
    """Print every event; reconnect after the daemon has ended."""
    while True:
        try:
            for models, event in follow():
                if event is None:
                    print("snapshot", len(models), flush=True)
                elif event["type"] == "model_changed":
                    print(event["seq"], event["type"], event["model"]["key"], event["model"]["state"], flush=True)
                else:
                    print(event["seq"], event["type"], flush=True)
        except AwayError:
            pass
        print("away", flush=True)
        time.sleep(1)


def main(words: list[str]) -> None:
    """Run one verb."""
    match words:
        case ["list"]:
            show_list()
        case ["load", key]:
            load(key)
        case ["chat", key, text]:
            chat(key, text)
        case ["follow"]:
            show_events()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except FailedError as error:
        sys.exit(f"{error.code}: {error}")
    except AwayError as error:
        sys.exit(f"away: {error}")
    except KeyboardInterrupt:
        pass

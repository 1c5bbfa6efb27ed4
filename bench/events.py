"""The latency of an event: the daemon's own publisher beside plain pyzmq, with the same frames, in turn.

This one reaches into the daemon. ``builds.py`` measures events from outside."""

import json
import re
import subprocess
import sys
import tempfile
import time

import zmq

EVENTS = 3000
DEADLINE_MS = 10_000

PUBLISHER = """
import asyncio, sys, time
from pathlib import Path
import zmq
from modeld.adapters.endpoint import Limits, Server
from modeld.core.effects import Publish
from modeld.transport import binding
from modeld.transport.zap import AllowedKeys, Gate
from modeld.protocol.events import ContextUsed
from modeld.protocol.wire import encode

AT = "2026-01-01T00:00:00.000+00:00"

async def main(folder, count):
    context = zmq.Context(1)
    gate = Gate(context, binding.new_pair(), AllowedKeys(Path(folder) / "allowed_keys"))
    server = Server(context, Path(folder), gate, print, Limits())
    plain = context.socket(zmq.PUB)
    plain.bind(f"ipc://{folder}/plain.sock")
    frame = encode(ContextUsed(epoch="epoch", at=AT, model="m", used=0, size=1))
    before, after = frame.split(b'"used":0')
    await asyncio.to_thread(sys.stdin.readline)
    for number in range(count):
        await asyncio.sleep(0.001)
        event = ContextUsed(epoch="epoch", at=AT, model="m", used=time.monotonic_ns(), size=1)
        server.publish(Publish(event=event))
        await asyncio.sleep(0.001)
        now = time.monotonic_ns()
        plain.send_multipart([b"context.m", before + b'"used":%d' % now + after])
    await asyncio.to_thread(sys.stdin.readline)
    server.close()
    gate.close()
    plain.close(0)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""
"""The moment of publishing travels in ``used``, by the machine's one monotonic clock."""


def rows() -> list[list[str]]:
    """Microseconds at p50 and p99, ours, the peer's, and the ratio."""
    found: dict[str, list[float]] = {"events": [], "plain": []}
    with tempfile.TemporaryDirectory(prefix="modeld-events-") as folder, zmq.Context() as context:
        publisher = subprocess.Popen([sys.executable, "-c", PUBLISHER, folder, str(EVENTS)], stdin=subprocess.PIPE)
        assert publisher.stdin is not None
        poller = zmq.Poller()
        names = {}
        for name in found:
            socket = context.socket(zmq.SUB)
            socket.linger = 0
            socket.subscribe("context.")
            monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
            socket.connect(f"ipc://{folder}/{name}.sock")
            if not monitor.poll(DEADLINE_MS):
                raise SystemExit("the publisher did not begin")
            socket.disable_monitor()
            poller.register(socket, zmq.POLLIN)
            names[socket] = name
        publisher.stdin.write(b"begin\n")
        publisher.stdin.flush()
        # The first events are lost until the subscription has travelled; the others all come.
        while min(map(len, found.values())) < EVENTS * 9 // 10:
            ready = poller.poll(DEADLINE_MS)
            if not ready:
                raise SystemExit("the events stopped coming")
            for socket, _ in ready:
                body = socket.recv_multipart()[1]
                now = time.monotonic_ns()
                sent = re.search(rb'"used":(\d+)', body)
                assert sent is not None and json.loads(body)["type"] == "context_used"
                found[names[socket]].append((now - int(sent[1])) / 1000)
        publisher.communicate(b"end\n", timeout=30)
        for socket in names:
            socket.close()
    made = []
    for name, part in (("p50", 0.5), ("p99", 0.99)):
        ours, plain = (sorted(samples)[int(len(samples) * part)] for samples in (found["events"], found["plain"]))
        label = f"publish to subscriber, µs, {name}"
        made.append([label, f"{ours:.0f}", f"{plain:.0f}", f"{ours / plain:.2f}", "pyzmq PUB, same frames"])
    return made


if __name__ == "__main__":
    for row in rows():
        print(*row, sep=" | ")

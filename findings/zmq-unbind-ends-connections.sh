#!/usr/bin/env bash
# libzmq 4.3.5 (pyzmq 27.1.0): zmq_unbind does not only stop new connections, it also ends those that were accepted.
#
# Expected: after `unbind` a peer that is connected goes on being served, as with close(2) on a listening TCP socket.
# Seen: what the peer sends afterwards does not arrive, over ipc:// and tcp://.
# What modeld does: to let new clients wait it renames the socket's file, and leaves the endpoint bound.
#
# Fails if a later version behaves otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyzmq==27.1.0
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys

import zmq

print("pyzmq", zmq.__version__, "libzmq", zmq.zmq_version())
for endpoint in (f"ipc://{sys.argv[1]}/socket", "tcp://127.0.0.1:0"):
    context = zmq.Context()
    router, dealer = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    dealer.setsockopt(zmq.RECONNECT_IVL, -1)  # the peer must not come back over a new connection
    router.bind(endpoint)
    bound = router.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
    dealer.connect(bound)
    dealer.send(b"before")
    assert router.recv_multipart()[1:] == [b"before"]
    router.unbind(bound)
    dealer.send(b"after", zmq.NOBLOCK)
    arrives = bool(router.poll(2000))
    print(f"{endpoint[:6]} after unbind a connected peer's message {'arrives' if arrives else 'does not arrive'}")
    context.destroy(linger=0)
    if arrives:
        sys.exit("the behaviour has changed")
PYTHON

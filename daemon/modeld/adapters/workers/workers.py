"""Worker children: starts them, speaks with them over one ROUTER socket, and notices when they end."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import zmq

from modeld.adapters.workers import environment
from modeld.adapters.workers.job_object import JobObject
from modeld.adapters.workers.output import Output
from modeld.core.effects import StartWorker, StopWorker, TellWorker
from modeld.core.facts import AnyFact, WorkerGone, WorkerSaid
from modeld.protocol.wire import encode
from modeld.protocol.workers import OWN_SECRET, SERVER_KEY, AnyNews, AnyOrder, Exit, Hello
from modeld.transport import binding
from modeld.transport.loop_socket import LoopSocket
from modeld.transport.zap import WORKERS, Gate

log = logging.getLogger(__name__)

LAST_WORDS_S = 0.1
"""Time given to a failed worker's last message to arrive after its process has ended."""

LAST_OUTPUT_S = 0.5
"""Time given to the last output: a process that the worker started may keep the pipe open for longer."""


@dataclass
class Child:
    """One worker process and what it is to load once it says hello."""

    process: subprocess.Popen[bytes]
    first_order: AnyOrder


class Workers:
    """All worker processes, by run number."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], runtime_dir: Path, gate: Gate, report: Callable[[AnyFact], None]
    ) -> None:
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._children: dict[int, Child] = {}
        self._job = JobObject()
        self._decoder = msgspec.json.Decoder(AnyNews)
        self._keys: dict[str, str] = {}
        socket = context.socket(zmq.ROUTER)
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._endpoint = binding.bind_own(socket, runtime_dir / "workers.sock", gate, WORKERS)
        if not self._endpoint.startswith("ipc://"):
            own = binding.new_pair()
            gate.let_in(WORKERS, own)
            self._keys = {SERVER_KEY: gate.server.public, OWN_SECRET: own.secret}
        self._socket = LoopSocket(socket, self._received)

    def pids(self) -> dict[int, int]:
        """The process ids of the children, by run."""
        return {run: child.process.pid for run, child in self._children.items()}

    def start(self, effect: StartWorker) -> None:
        """Start a child, whose standard input stays open as long as the daemon lives.

        Runs in the loop's thread: Linux kills the child when the thread that started it ends (worker/lifeline.py).
        """
        run = effect.run
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "modeld.worker", self._endpoint, str(run), str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment.for_worker(os.environ, self._keys),
            )
        except OSError as error:
            log.error("worker %d cannot be started: %s", run, error)
            self._loop.call_soon(self._report, WorkerGone(run=run, exit_code=127, detail=str(error)))
            return
        self._job.add(process)
        self._children[run] = Child(process, effect.order)
        threading.Thread(target=self._wait, args=(run, process), name=f"worker-{run}", daemon=True).start()

    def _wait(self, run: int, process: subprocess.Popen[bytes]) -> None:
        """In a thread of its own: wait for a child's end, while another thread reads what it prints."""
        output = Output()
        reader = threading.Thread(target=_read, args=(run, process, output), name=f"output-{run}", daemon=True)
        reader.start()
        exit_code = process.wait()
        reader.join(LAST_OUTPUT_S)
        try:
            self._loop.call_soon_threadsafe(self._ended, run, exit_code, output.cause())
        except RuntimeError:
            log.debug("worker %d ended after the loop did", run)

    def _ended(self, run: int, exit_code: int, cause: str) -> None:
        self._socket.drain()
        fact = WorkerGone(run=run, exit_code=exit_code, detail=cause)
        if exit_code > 0:
            self._loop.call_later(LAST_WORDS_S, self._gone, fact)
        else:
            self._gone(fact)

    def _gone(self, fact: WorkerGone) -> None:
        self._socket.drain()
        child = self._children.pop(fact.run)
        if child.process.stdin is not None:
            child.process.stdin.close()
        log.info("worker %d ended with code %d", fact.run, fact.exit_code)
        self._report(fact)

    def _received(self, frames: list[bytes]) -> None:
        """Frames are the run number (the worker's identity) and one message."""
        try:
            run = int(frames[0])
            news = self._decoder.decode(frames[-1])
        except (ValueError, msgspec.MsgspecError) as error:
            log.error("a worker sent what cannot be read: %s", error)
            return
        child = self._children.get(run)
        if child is None:
            return
        if isinstance(news, Hello):
            self.tell(TellWorker(run=run, order=child.first_order))
        self._report(WorkerSaid(run=run, news=news))

    def tell(self, effect: TellWorker) -> None:
        """Send an order; a worker that is gone does not get it, and its end is reported anyway."""
        if not self._socket.send([str(effect.run).encode(), encode(effect.order)]):
            log.debug("worker %d is gone and gets no order", effect.run)

    def stop(self, effect: StopWorker) -> None:
        """Ask a child to end, and kill it when it has not after its grace."""
        child = self._children.get(effect.run)
        if child is not None:
            self.tell(TellWorker(run=effect.run, order=Exit()))
            if child.process.stdin is not None:
                child.process.stdin.close()
            self._loop.call_later(effect.grace_s, self._kill, child)

    def _kill(self, child: Child) -> None:
        if child.process.poll() is None:
            log.warning("worker %d did not end when asked; killing it", child.process.pid)
            child.process.kill()

    def close(self) -> None:
        """Kill what is left and close the socket."""
        for child in self._children.values():
            child.process.kill()
        self._socket.close()


def _read(run: int, process: subprocess.Popen[bytes], output: Output) -> None:
    """Read what a child prints, until nothing has its pipe open any more."""
    assert process.stderr is not None
    with process.stderr as stream:
        for line in stream:
            text = line.decode(errors="replace")
            output.add(text)
            log.warning("worker %d: %s", run, text.strip())

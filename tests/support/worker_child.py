"""A real worker process, driven over a real socket as the daemon does."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TypeVar

import msgspec
import zmq
from modeld.protocol.requests import Message, Sampling
from modeld.protocol.views import Generation
from modeld.protocol.wire import encode
from modeld.protocol.workers import (
    Alive,
    Answer,
    Answered,
    AnyNews,
    AnyOrder,
    Exit,
    Hello,
    LoadFile,
    MeasureProgress,
    News,
    Piece,
    Ready,
)

DEADLINE_S = 15.0
RUN = "7"
GREEDY = Sampling(temperature=0.0)

NewsKind = TypeVar("NewsKind", bound=News)


class Child:
    """``python -m modeld.worker`` and the ROUTER it connects to."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", folder: Path) -> None:
        self._socket = context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.bind(f"ipc://{folder}/w")
        self._decoder: msgspec.json.Decoder[AnyNews] = msgspec.json.Decoder(AnyNews)
        self._tasks = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "modeld.worker", f"ipc://{folder}/w", RUN, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.hello = self.hear(Hello)

    def tell(self, order: AnyOrder) -> None:
        """Send an order."""
        self._socket.send_multipart([RUN.encode(), encode(order)])

    def news(self) -> AnyNews:
        """The worker's next message that is no mere sign of life."""
        while isinstance(news := self.any_news(), Alive):
            continue
        return news

    def any_news(self) -> AnyNews:
        """The worker's next message."""
        if not self._socket.poll(int(DEADLINE_S * 1000)):
            raise TimeoutError(f"the worker said nothing for {DEADLINE_S} s; exit code {self.process.poll()}")
        identity, frame = self._socket.recv_multipart()
        assert identity == RUN.encode()
        return self._decoder.decode(frame)

    def hear(self, kind: type[NewsKind]) -> NewsKind:
        """The worker's next message, which must be of type ``kind``."""
        news = self.news()
        assert isinstance(news, kind), news
        return news

    def end_of(self, task: int) -> tuple[list[AnyNews], AnyNews]:
        """The messages of a task, and the one that ends it."""
        on_the_way: list[AnyNews] = []
        while True:
            news = self.news()
            assert getattr(news, "task", None) == task, news
            if isinstance(news, Piece | MeasureProgress):
                on_the_way.append(news)
            else:
                return on_the_way, news

    def next_task(self) -> int:
        """An unused task number."""
        self._tasks += 1
        return self._tasks

    def ask(
        self,
        prompt: str = "",
        *,
        chat: str = "",
        max_tokens: int = 16,
        sampling: Sampling = GREEDY,
    ) -> tuple[list[Piece], Generation]:
        """A complete answer: its chunks and its end."""
        task = self.next_task()
        messages = [Message(role="user", content=chat)] if chat else []
        self.tell(Answer(task=task, prompt=prompt, messages=messages, max_tokens=max_tokens, sampling=sampling))
        pieces, end = self.end_of(task)
        assert isinstance(end, Answered), end
        return [piece for piece in pieces if isinstance(piece, Piece)], end.generation

    def load(self, path: Path, *, context_size: int = 1024, batch_size: int = 512) -> Ready:
        """Load a file."""
        # One thread: several spin on each other on a busy machine, and these tests are about behaviour, not speed.
        self.tell(LoadFile(model="m", path=str(path), context_size=context_size, threads=1, batch_size=batch_size))
        return self.hear(Ready)

    def printed(self) -> bytes:
        """The ended child's terminal output."""
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def close(self) -> None:
        """End the child, whatever its state."""
        if self.process.poll() is None:
            self.tell(Exit())
            try:
                self.process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self._socket.close()

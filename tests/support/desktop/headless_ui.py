"""Tabs without a window: a DearPyGui context that draws nothing, and a ``Ui`` that runs posts on request."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import dearpygui.dearpygui as dpg
from modelctl import Client
from modelctl.errors import ModeldError

_T = TypeVar("_T")
DEADLINE_S = 30.0


class BenchUi:
    """A ``Ui`` for tabs: requests run in their own threads, posts in ``run``."""

    def __init__(self, client: Client | None = None) -> None:
        self._client = client
        self._posts: queue.Queue[Callable[[], object]] = queue.Queue()
        self.said: list[str] = []

    def post(self, action: Callable[[], object], *, once: bool = False) -> None:
        if not (once and action in self._posts.queue):
            self._posts.put(action)

    def ask(
        self,
        call: Callable[[Client], _T],
        done: Callable[[_T], None] | None = None,
        failed: Callable[[ModeldError], None] | None = None,
    ) -> None:
        assert self._client is not None
        client = self._client

        def work() -> None:
            try:
                answer = call(client)
            except ModeldError as error:
                why = error
                self.post(lambda: failed(why) if failed is not None else None)
            else:
                self.post(lambda: done(answer) if done is not None else None)

        threading.Thread(target=work, daemon=True).start()

    def say(self, text: str, *, error: bool = False) -> None:
        self.said.append(text)

    def run(self) -> int:
        """Run the posts so far; return how many."""
        count = self._posts.qsize()
        for _number in range(count):
            self._posts.get_nowait()()
        return count

    def run_until(self, reached: Callable[[], bool], what: Callable[[], object] | str) -> None:
        """Run posts as they arrive until ``reached``."""
        end = time.monotonic() + DEADLINE_S
        while not reached():
            left = end - time.monotonic()
            assert left > 0, f"not within {DEADLINE_S:.0f} s: {what if isinstance(what, str) else what()}"
            with contextlib.suppress(queue.Empty):
                self._posts.get(timeout=left)()


def texts(item: int | str) -> Iterator[str]:
    """The visible texts of an item and its children."""
    if not dpg.get_item_configuration(item).get("show", True):
        return
    kind = dpg.get_item_info(item)["type"]
    written = dpg.get_value(item) if kind.endswith("mvText") else dpg.get_item_label(item)
    if isinstance(written, str) and written:
        yield written
    for children in dpg.get_item_children(item).values():
        for child in children:
            yield from texts(child)


def items(item: int | str) -> int:
    """The number of an item's descendants."""
    return sum(1 + items(child) for children in dpg.get_item_children(item).values() for child in children)


def find(item: int | str, kind: str) -> list[int]:
    """The descendants of an item with this kind."""
    found = [item] if isinstance(item, int) and dpg.get_item_info(item)["type"].endswith(kind) else []
    return found + [
        each for children in dpg.get_item_children(item).values() for child in children for each in find(child, kind)
    ]

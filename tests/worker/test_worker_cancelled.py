"""A prompt that was cancelled leaves no trace in later answers, whatever kind of memory the model has."""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from modeld.protocol.workers import Answer, Answered, Stop
from support import odd_gguf, tiny_gguf
from support.worker_child import GREEDY, Child

BEGINNING = "The sea was calm and the small boat went out for fish that day, "
LONG = BEGINNING + "0123456789 abcdefghij klmnopqrst " * 6


@pytest.mark.parametrize("write", [odd_gguf.hybrid, tiny_gguf.write], ids=["hybrid", "attention"])
def test_the_answer_after_a_cancelled_prompt_is_the_one_from_scratch(
    start: Callable[[], Child], tmp_path: Path, write: Callable[..., Path]
):
    path = write(tmp_path / "model.gguf", context=1024)
    fresh = start()
    fresh.load(path)
    _, expected = fresh.ask(LONG, max_tokens=24)

    child = start()
    child.load(path)
    child.ask(BEGINNING, max_tokens=1)
    task = child.next_task()
    process = psutil.Process(child.process.pid)
    process.suspend()  # so that it finds both messages at once
    child.tell(Answer(task=task, prompt=LONG, max_tokens=24, sampling=GREEDY))
    child.tell(Stop(task=task))
    process.resume()
    _, stopped = child.end_of(task)
    assert isinstance(stopped, Answered) and stopped.generation.finish == "cancelled"
    assert stopped.generation.context_used <= len(BEGINNING)

    _, answer = child.ask(LONG, max_tokens=24)
    assert answer.text == expected.text
    assert answer.context_used == answer.prompt_tokens + answer.completion_tokens - 1

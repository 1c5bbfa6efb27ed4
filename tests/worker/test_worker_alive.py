"""Signs of life: the worker says what it does, at most once a second, and only from the thread that does it."""

import time
from collections.abc import Callable
from pathlib import Path

from modeld.protocol.requests import Message
from modeld.protocol.workers import Activity, Alive, Answer, Answered, AnyNews, LoadFile, Measure, Measured, Ready, Stop
from support import tiny_gguf
from support.worker_child import GREEDY, Child

HI = [Message(role="user", content="hi")]


def news_until(child: Child, kind: type[AnyNews]) -> tuple[list[Activity], list[float]]:
    """The activities of the signs of life until a message of ``kind``, and when each sign came."""
    activities, moments = [], []
    while not isinstance(news := child.any_news(), kind):
        if isinstance(news, Alive):
            activities.append(news.activity)
            moments.append(time.monotonic())
    return activities, moments


def test_a_load_gives_signs_of_life(start: Callable[[], Child], sample_model: Path):
    child = start()
    child.tell(LoadFile(model="m", path=str(sample_model), context_size=512, threads=1))
    activities, _ = news_until(child, Ready)
    assert set(activities) == {Activity.LOADING}


def test_a_chat_goes_through_template_prefill_and_decode(tiny: Child):
    task = tiny.next_task()
    tiny.tell(Answer(task=task, messages=HI, max_tokens=2, sampling=GREEDY))
    activities, _ = news_until(tiny, Answered)
    assert activities == [Activity.TEMPLATE, Activity.PREFILL, Activity.DECODE]


def test_a_prompt_without_a_template_begins_with_the_prefill(tiny: Child):
    task = tiny.next_task()
    tiny.tell(Answer(task=task, prompt="a", max_tokens=2, sampling=GREEDY))
    activities, _ = news_until(tiny, Answered)
    assert activities == [Activity.PREFILL, Activity.DECODE]


def test_a_benchmark_renders_its_template_first(tiny: Child):
    task = tiny.next_task()
    tiny.tell(Measure(task=task, prompt="a", max_tokens=2, repetitions=1, pp_tokens=8, tg_tokens=8))
    activities, _ = news_until(tiny, Measured)
    assert activities[:3] == [Activity.TEMPLATE, Activity.PREFILL, Activity.DECODE]


def test_one_long_batch_gives_signs_of_life_but_not_more_than_one_a_second(start: Callable[[], Child], tmp_path: Path):
    child = start()
    file = tiny_gguf.write(tmp_path / "deep.gguf", layers=24, context=32_768)
    child.load(file, context_size=32_768, batch_size=32_768)
    child.tell(Answer(task=1, prompt="a b " * 8000, max_tokens=1, sampling=GREEDY))
    moments = []
    while len(moments) < 4:
        assert child.any_news() == Alive(activity=Activity.PREFILL)
        moments.append(time.monotonic())
    assert moments[-1] - moments[0] > 0.9 * (len(moments) - 1)
    child.tell(Stop(task=1))
    news_until(child, Answered)

"""Answers of a real child: text, counts, the KV cache, and every way an answer ends."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from modeld.protocol import reasons
from modeld.protocol.errors import ErrorCode
from modeld.protocol.reasons import Reason
from modeld.protocol.requests import Message, Sampling
from modeld.protocol.workers import Answer, Answered, Piece, Refused, Stop, TaskFailed
from modeld.worker.answer import Text
from support import tiny_gguf
from support.worker_child import GREEDY, Child

STORY = "Once upon a time there was a small robot who wanted to see the sea."


def test_a_chat_goes_through_the_models_template(real: Child):
    _, answer = real.ask(chat="What is the capital of France? Answer in one word.", max_tokens=12)
    assert "Paris" in answer.text
    # The template adds a system message of its own, which a bare prompt has not.
    assert answer.prompt_tokens > 30
    assert answer.model == "m"


def test_an_answer_ends_where_the_model_ends_it(real: Child):
    _, answer = real.ask(chat="Say hello.", max_tokens=200)
    assert answer.finish == "stop"
    assert "<|im_end|>" not in answer.text
    assert answer.completion_tokens < 200


def test_the_pieces_are_the_text(real: Child):
    pieces, answer = real.ask(STORY, max_tokens=32)
    assert "".join(piece.text for piece in pieces) == answer.text
    assert [piece.completion_tokens for piece in pieces] == sorted(piece.completion_tokens for piece in pieces)
    assert pieces[-1].completion_tokens == answer.completion_tokens == 32
    assert answer.finish == "length"


def test_pieces_come_while_the_answer_is_made_and_no_more_than_forty_a_second(real: Child):
    pieces, answer = real.ask(STORY, max_tokens=64)
    with_text = [piece for piece in pieces if piece.text]
    assert with_text[0].completion_tokens == 1
    assert len(with_text) > 2
    assert len(with_text) <= 2 + 40 * answer.decode_ms / 1000


def test_a_greedy_answer_is_the_same_again_from_a_shared_beginning(real: Child):
    _, fresh = real.ask(STORY, max_tokens=24)
    _, again = real.ask(STORY, max_tokens=24)
    assert again.text == fresh.text
    assert again.cached_tokens == again.prompt_tokens - 1 > 0


def test_the_shared_beginning_of_a_longer_conversation_is_not_computed_twice(tiny: Child, start, tiny_file):
    tiny.ask("the beginning", max_tokens=4)
    _, cached = tiny.ask("the beginning of something else", max_tokens=8)
    other = start()
    other.load(tiny_file, context_size=256, batch_size=32)
    _, uncached = other.ask("the beginning of something else", max_tokens=8)
    assert cached.cached_tokens >= len("the beginning") and uncached.cached_tokens == 0
    assert cached.text == uncached.text


def test_a_seed_makes_a_drawn_answer_the_same_again_and_another_seed_another(real: Child):
    def drawn(seed: int) -> str:
        return real.ask(STORY, max_tokens=16, sampling=Sampling(temperature=1.5, seed=seed, repeat_penalty=1.1))[1].text

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_times_are_apart_and_add_up(real: Child):
    began = time.perf_counter()
    _, answer = real.ask("Another beginning: " + STORY, max_tokens=16)
    whole_ms = (time.perf_counter() - began) * 1e3
    assert 0 < answer.prefill_ms <= answer.first_token_ms
    assert answer.decode_ms > 0
    assert answer.prefill_ms + answer.decode_ms < whole_ms


def test_the_context_used_moves_with_each_batch_of_the_prompt_and_is_true_to_the_token(tiny: Child):
    pieces, answer = tiny.ask("0123456789" * 10, max_tokens=5)
    of_the_prompt = [piece.context_used for piece in pieces if piece.completion_tokens == 0]
    assert of_the_prompt == [32, 64, 96, 100]
    # The last token was shown and not computed: there was nothing to go on to.
    assert answer.context_used == answer.prompt_tokens + answer.completion_tokens - 1 == 104
    assert answer.context_size == 256


def test_a_prompt_that_does_not_fit_is_refused_with_both_numbers_and_nothing_is_computed(tiny: Child):
    _, before = tiny.ask("short", max_tokens=2)
    task = tiny.next_task()
    tiny.tell(Answer(task=task, prompt="x" * 256, max_tokens=2, sampling=GREEDY))
    assert tiny.end_of(task) == ([], Refused(task=task, prompt_tokens=256, context_size=256))
    _, after = tiny.ask("short", max_tokens=2)
    assert after.cached_tokens == after.prompt_tokens - 1
    assert after.text == before.text


def test_a_full_context_ends_the_answer_and_nothing_is_shifted(tiny: Child):
    _, answer = tiny.ask("y" * 250, max_tokens=0)
    assert answer.finish == "context_full"
    assert answer.context_used == answer.context_size == 256
    assert answer.completion_tokens == 7


@pytest.mark.parametrize("messages", [[], [Message(role="user", content="")]])
def test_an_empty_prompt_is_a_bad_request(start, tmp_path: Path, messages: list[Message]):
    child = start()
    child.load(tiny_gguf.write(tmp_path / "plain.gguf", template="{{ messages[0].content }}"))
    child.tell(Answer(task=1, messages=messages, sampling=GREEDY))
    end = child.hear(TaskFailed)
    assert end.failure.code is ErrorCode.BAD_REQUEST


def test_a_control_token_in_a_bare_prompt_is_just_text(real: Child):
    _, answer = real.ask("<|im_start|>", max_tokens=1)
    assert answer.prompt_tokens > 1


def test_a_stop_ends_an_answer_soon_with_what_there_is(real: Child):
    task = real.next_task()
    real.tell(Answer(task=task, prompt=STORY, max_tokens=900, sampling=Sampling(temperature=0.0)))
    while not real.hear(Piece).text:
        continue
    real.tell(Stop(task=task))
    told = time.perf_counter()
    _, end = real.end_of(task)
    assert time.perf_counter() - told < 2.0
    assert isinstance(end, Answered) and end.generation.finish == "cancelled"
    assert end.generation.text and end.generation.completion_tokens < 900


def test_a_stop_is_heeded_inside_a_long_batch_of_the_prompt(start, sample_model: Path):
    child = start()
    child.load(sample_model, context_size=2048, batch_size=2048)
    prompt = STORY * 100
    child.tell(Answer(task=1, prompt=prompt, max_tokens=1, sampling=GREEDY))
    child.tell(Stop(task=1))
    _, end = child.end_of(1)
    assert isinstance(end, Answered) and end.generation.finish == "cancelled"
    assert end.generation.context_used == 0 and end.generation.completion_tokens == 0
    child.tell(Answer(task=2, prompt="One two three", max_tokens=4, sampling=GREEDY))
    _, after = child.end_of(2)
    assert isinstance(after, Answered) and after.generation.finish == "length"


def test_a_stop_of_another_task_changes_nothing(tiny: Child):
    tiny.tell(Stop(task=999_999))
    task = tiny.next_task()
    tiny.tell(Answer(task=task, prompt="abc", max_tokens=40, sampling=GREEDY))
    tiny.tell(Stop(task=task - 1))
    _, end = tiny.end_of(task)
    assert isinstance(end, Answered) and end.generation.finish == "length"


def test_orders_that_come_meanwhile_are_done_in_their_order_and_may_be_stopped_before_their_turn(tiny: Child):
    first, second, third = (tiny.next_task() for _ in range(3))
    for task in (first, second, third):
        tiny.tell(Answer(task=task, prompt="abc", max_tokens=200, sampling=GREEDY))
    tiny.tell(Stop(task=second))
    ends = [tiny.end_of(task)[1] for task in (first, second, third)]
    assert [end.generation.finish for end in ends if isinstance(end, Answered)] == ["length", "cancelled", "length"]


def test_a_stop_text_ends_the_answer_and_is_never_shown_nor_its_beginning(real: Child):
    _, whole = real.ask(STORY, max_tokens=40)
    stop = whole.text[20:31]
    pieces, answer = real.ask(STORY, max_tokens=40, sampling=Sampling(temperature=0.0, stop=["never there", stop]))
    assert answer.finish == "stop"
    assert answer.text == whole.text[: whole.text.index(stop)]
    assert "".join(piece.text for piece in pieces) == answer.text


def test_a_character_of_many_tokens_is_never_cut(tiny: Child):
    # The tiny model's tokens are single bytes, and it draws them at random: most are no character by themselves.
    for seed in range(5):
        sampling = Sampling(temperature=5.0, top_k=0, top_p=1.0, min_p=0.0, seed=seed)
        pieces, answer = tiny.ask("é", max_tokens=100, sampling=sampling)
        assert "".join(piece.text for piece in pieces) == answer.text


def test_a_real_emoji_comes_whole(real: Child):
    pieces, answer = real.ask("Repeat: 🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂", max_tokens=24)
    assert "".join(piece.text for piece in pieces) == answer.text
    assert "\ufffd" not in answer.text


@pytest.mark.parametrize(
    "template",
    [
        "{{ messages.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{{ strftime_now.__globals__.keys() }}",
        "{{ messages.append(1) }}",
        "{{ raise_exception('No system message, please.') }}",
        "{% if %}",
        "{{ 1 // 0 }}",
        "{{ '\\ud800' }}",
        "{{ range(10000000) }}",
        "{{ undefined.attribute.of_it }}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        "".join(f"{{% for a{n} in messages %}}" for n in range(30)) + "{% endfor %}" * 30,
    ],
)
def test_a_hostile_or_broken_template_fails_its_task_and_the_worker_goes_on(start, tmp_path: Path, template: str):
    child: Child = start()
    child.load(tiny_gguf.write(tmp_path / "hostile.gguf", template=template))
    child.tell(Answer(task=1, messages=[Message(role="user", content="hello")], sampling=GREEDY))
    failure = child.hear(TaskFailed).failure
    assert failure.code is ErrorCode.GENERATION_FAILED
    assert reasons.known(failure.reason) in (
        Reason.TEMPLATE_FAILED,
        Reason.TEMPLATE_TOO_EXPENSIVE,
        Reason.TEMPLATE_TOO_LONG,
    )
    assert child.ask("a bare prompt still works", max_tokens=1)[1].completion_tokens == 1


def test_a_file_without_a_template_is_asked_in_chatml(start: Callable[[], Child], tmp_path: Path):
    child = start()
    child.load(tiny_gguf.write(tmp_path / "none.gguf", template=None))
    _, answer = child.ask(chat="hi", max_tokens=1)
    assert answer.prompt_tokens == len("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n")


def test_a_repeat_penalty_changes_what_a_greedy_answer_repeats(tiny: Child):
    _, plain = tiny.ask("abc", max_tokens=60)
    _, penalized = tiny.ask("abc", max_tokens=60, sampling=Sampling(temperature=0.0, repeat_penalty=1.8))
    assert len(set(penalized.text)) > len(set(plain.text))


def test_half_a_character_after_a_stop_text_is_not_shown():
    text = Text(["stop"])
    text.add(b"before stop" + "é".encode()[:1])
    text.add(b"", final=True)
    assert text.fresh(final=True) == text.whole == "before "

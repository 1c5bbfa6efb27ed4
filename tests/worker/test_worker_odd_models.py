"""Ends that are text, suppressed tokens, odd contexts, long words, seeds and counts."""

from collections.abc import Callable
from pathlib import Path

import gguf
import pytest
from modeld.protocol.errors import ErrorCode
from modeld.protocol.reasons import Reason
from modeld.protocol.requests import Sampling
from modeld.protocol.workers import Answer, Refused, TaskFailed
from support import odd_gguf, tiny_gguf
from support.worker_child import GREEDY, Child

Start = Callable[[], Child]
LETTER_A = ord("a")
"""The token for the letter: the first 256 are the bytes."""


@pytest.mark.parametrize("kind", [gguf.TokenType.NORMAL, gguf.TokenType.USER_DEFINED])
def test_a_token_that_only_looks_like_an_end_is_text(start: Start, tmp_path: Path, kind: gguf.TokenType):
    child = start()
    child.load(odd_gguf.speaker(tmp_path / "html.gguf", ["x", "</s>", "y"], more={"</s>": kind}))
    _, answer = child.ask(">", max_tokens=20)
    assert (answer.text, answer.finish) == ("x</s>y", "stop")


def test_a_control_token_that_is_an_end_ends_the_answer(start: Start, tmp_path: Path):
    child = start()
    more = {"</s>": gguf.TokenType.CONTROL}
    child.load(odd_gguf.speaker(tmp_path / "end.gguf", ["x", "</s>", "y"], more=more))
    _, answer = child.ask(">", max_tokens=20)
    assert (answer.text, answer.finish) == ("x", "stop")


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=1.0, seed=3, top_k=0, top_p=1.0, min_p=0.0)])
def test_a_suppressed_token_is_never_drawn(start: Start, tmp_path: Path, sampling: Sampling):
    suppressed = ("tokenizer.ggml.suppress_tokens", [LETTER_A], odd_gguf.Type.ARRAY, odd_gguf.Type.INT32)
    child = start()
    child.load(odd_gguf.speaker(tmp_path / "suppressed.gguf", "ab", pairs=[suppressed]))
    _, answer = child.ask(">", max_tokens=8, sampling=sampling)
    assert answer.completion_tokens and "a" not in answer.text
    free = start()
    free.load(odd_gguf.speaker(tmp_path / "free.gguf", "ab"))
    assert free.ask(">", max_tokens=8)[1].text == "ab"


def test_a_context_that_llama_cpp_rounds_up_ends_where_the_model_ends(start: Start, tmp_path: Path):
    child = start()
    assert child.load(tiny_gguf.write(tmp_path / "short.gguf", context=100)).context_size == 100
    _, answer = child.ask("y" * 95, max_tokens=0)
    assert (answer.finish, answer.context_used) == ("context_full", 100)


def test_a_long_word_does_not_end_the_worker(start: Start, tmp_path: Path):
    child = start()
    child.load(odd_gguf.speaker(tmp_path / "recursive.gguf", "ab", pre="llama4"), context_size=256)
    child.tell(Answer(task=1, prompt="a" * 400_000, max_tokens=1, sampling=GREEDY))
    assert child.end_of(1)[1] == Refused(task=1, prompt_tokens=400_000, context_size=256)


def test_a_word_that_is_too_long_for_any_stack_is_refused(start: Start, tmp_path: Path):
    child = start()
    child.load(odd_gguf.speaker(tmp_path / "recursive.gguf", "ab", pre="llama4"), context_size=256)
    child.tell(Answer(task=1, prompt="a b " + "c" * 3_000_000, max_tokens=1, sampling=GREEDY))
    _, end = child.end_of(1)
    assert isinstance(end, TaskFailed)
    assert (end.failure.code, end.failure.reason) == (ErrorCode.BAD_REQUEST, Reason.PROMPT_RUN_TOO_LONG.id)
    assert child.ask(">", max_tokens=8)[1].text == "ab"


def test_the_same_seed_gives_the_same_answer_whatever_was_computed_before(start: Start, sample_model: Path):
    child = start()
    child.load(sample_model, context_size=1024, batch_size=128)
    prompt = "Once upon a time there was a small robot who wanted to see the sea. " * 18
    drawn = Sampling(temperature=1.5, seed=7)
    _, fresh = child.ask(prompt, max_tokens=24, sampling=drawn)
    _, again = child.ask(prompt, max_tokens=24, sampling=drawn)
    child.ask(prompt[: len(prompt) // 2] + "The end", max_tokens=24)
    _, after = child.ask(prompt, max_tokens=24, sampling=drawn)
    assert fresh.text == again.text == after.text
    assert again.cached_tokens == fresh.prompt_tokens // 128 * 128 > 0


def test_the_steps_of_decoding_are_counted(start: Start, tmp_path: Path):
    child = start()
    child.load(odd_gguf.speaker(tmp_path / "three.gguf", "abc"))

    def steps(max_tokens: int) -> tuple[int, int]:
        _, answer = child.ask(">", max_tokens=max_tokens)
        return answer.completion_tokens, answer.decode_steps

    assert steps(1) == (1, 0)
    assert steps(2) == (2, 1)
    assert steps(20) == (3, 3)  # the end was decoded too

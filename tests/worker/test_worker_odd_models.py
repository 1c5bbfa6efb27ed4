"""Ends that are text, suppressed tokens, odd contexts, long words, seeds and counts."""

import signal
from collections.abc import Callable
from pathlib import Path

import gguf
import pytest
from modeld.adapters.gguf import GgufError, read_header
from modeld.protocol.errors import ErrorCode
from modeld.protocol.reasons import Reason
from modeld.protocol.requests import Sampling
from modeld.protocol.sampling import APPLIED
from modeld.protocol.workers import Answer, LoadFile, Refused, TaskFailed
from support import odd_gguf, tiny_gguf
from support.worker_child import DEADLINE_S, GREEDY, Child

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


EVERY = Sampling(temperature=1.5, top_k=0, top_p=1.0, min_p=0.0, repeat_penalty=1.2, repeat_last_n=4, seed=3)
FILE = {"temp": 1.5, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "penalty_repeat": 1.2, "penalty_last_n": 4}


def sampled(path: Path, settings: dict[str, float]) -> Path:
    kinds = {int: odd_gguf.Type.INT32, float: odd_gguf.Type.FLOAT32}
    pairs = [(f"general.sampling.{name}", value, kinds[type(value)]) for name, value in settings.items()]
    return tiny_gguf.write(path, pairs=pairs)


def test_the_sampling_of_the_file_applies_where_the_request_says_nothing(start: Start, tmp_path: Path):
    named, plain = start(), start()
    named.load(sampled(tmp_path / "named.gguf", FILE))
    plain.load(tiny_gguf.write(tmp_path / "plain.gguf"))
    _, expected = plain.ask("abc", max_tokens=60, sampling=EVERY)
    assert named.ask("abc", max_tokens=60, sampling=Sampling(seed=3))[1].text == expected.text
    assert plain.ask("abc", max_tokens=60, sampling=Sampling(seed=3))[1].text != expected.text


@pytest.mark.parametrize(("name", "field"), [(name, setting.field) for name, setting in APPLIED.items()])
def test_a_request_goes_before_the_file(start: Start, tmp_path: Path, name: str, field: str):
    other: dict[str, float] = {"temp": 0.1, "top_k": 2, "top_p": 0.1, "min_p": 0.9, "penalty_repeat": 9.0}
    file = FILE | {name: other.get(name, 60)}
    child = start()
    child.load(sampled(tmp_path / "named.gguf", file))
    _, expected = child.ask("abc", max_tokens=60, sampling=EVERY)
    said = Sampling(seed=3, **{field: getattr(EVERY, field)})
    assert child.ask("abc", max_tokens=60, sampling=said)[1].text == expected.text
    assert child.ask("abc", max_tokens=60, sampling=Sampling(seed=3))[1].text != expected.text


def test_the_repeat_penalty_sees_the_prompt(start: Start, tmp_path: Path):
    child = start()
    child.load(odd_gguf.speaker(tmp_path / "penalized.gguf", "ab"))
    penalized = Sampling(temperature=0.0, repeat_penalty=1e6)
    assert child.ask("b>", max_tokens=1, sampling=penalized)[1].text == "a"
    assert child.ask("a>", max_tokens=1, sampling=penalized)[1].text != "a"
    few = Sampling(temperature=0.0, repeat_penalty=1e6, repeat_last_n=1)
    assert child.ask("a>", max_tokens=1, sampling=few)[1].text == "a"


@pytest.mark.parametrize("alignment", [1, 2, 4, 8, 16, 32, 64, 4096])
def test_the_header_check_allows_the_alignments_that_llama_cpp_loads(start: Start, tmp_path: Path, alignment: int):
    path = tiny_gguf.write(tmp_path / "aligned.gguf", alignment=alignment)
    child = start()
    if int(gguf.GGUFReader(str(path)).data_offset) % 32 == 0:
        assert read_header(path).architecture == "llama"
        assert child.load(path).context_size
        return
    with pytest.raises(GgufError) as caught:
        read_header(path)
    assert caught.value.failure.reason == Reason.GGUF_DATA_MISPLACED.id
    child.tell(LoadFile(model="m", path=str(path), context_size=64, threads=1))
    assert child.process.wait(DEADLINE_S) == -signal.SIGABRT


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

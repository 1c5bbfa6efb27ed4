"""The rate of an answer: the prefill yields the first token, so n tokens take n - 1 decode steps."""

import pytest
from modelctl.decode_rate import decode_rate
from modelctl.desktop.viewer.chat.conversation import figures
from modeld.protocol.views import Generation


def generation(tokens: int, decode_ms: float, finish: str = "length") -> Generation:
    return Generation(
        model="m",
        text="x",
        finish=finish,
        prompt_tokens=5,
        cached_tokens=0,
        completion_tokens=tokens,
        prefill_ms=190.0,
        decode_ms=decode_ms,
        first_token_ms=190.0,
        context_used=5,
        context_size=512,
    )


@pytest.mark.parametrize("finish", ["length", "stop", "cancelled"])
def test_one_token_has_no_rate(finish: str) -> None:
    assert decode_rate(generation(1, 0.15, finish)) is None
    assert "tokens/s" not in figures(generation(1, 0.15, finish))


def test_an_answer_cut_at_its_limit_has_one_step_less_than_tokens() -> None:
    assert decode_rate(generation(2, 10.0)) == 100.0
    assert "100.0 tokens/s" in figures(generation(2, 10.0))


def test_the_end_token_of_the_model_is_a_step_too() -> None:
    assert decode_rate(generation(4, 40.0, "stop")) == 100.0


def test_nothing_decoded_has_no_rate() -> None:
    assert decode_rate(generation(0, 0.0)) is None
    assert decode_rate(generation(3, 0.0)) is None

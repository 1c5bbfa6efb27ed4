"""How fast a model decoded an answer; pure."""

from modeld.protocol.views import Generation


def decode_rate(generation: Generation) -> float | None:
    """Tokens per second of the decode steps; None without a measured decode step.

    The prefill yields the first token, so n tokens take n - 1 decode steps. If the model ended the answer itself, one
    more step yielded its end-of-generation token.
    """
    tokens = generation.completion_tokens
    if tokens < 2 or generation.decode_ms <= 0:
        return None
    # A daemon of an older version does not count the steps.
    steps = generation.decode_steps or (tokens if generation.finish == "stop" else tokens - 1)
    return 1000 * steps / generation.decode_ms

"""Models through a real daemon and real workers: added, loaded, asked, killed, removed."""

import os
import signal
from pathlib import Path

import pytest
from modelctl import Client
from modelctl.errors import ModeldError, NotFound, Refused
from modeld.protocol import events
from modeld.protocol.errors import ErrorCode
from modeld.protocol.reasons import Reason
from modeld.protocol.requests import Message, Sampling
from modeld.protocol.states import ModelState
from support import tiny_gguf

GREEDY = Sampling(temperature=0.0)
"""Drawn tokens of a random model end the answer by chance; these do not."""

HELLO = [Message(role="user", content="Say hello.")]


def test_the_catalogue_is_there_from_the_start(client: Client):
    keys = [model.key for model in client.list()]
    assert keys[0] == "mistral" and "smollm2" in keys
    assert client.show("llama32-1b").size_bytes == 807_694_464


def test_a_file_is_used_in_place_and_survives_the_removal_of_its_model(client: Client, tiny_file: Path):
    added = client.add("tiny", str(tiny_file)).model
    assert added.state is ModelState.ON_DISK and added.in_place
    assert added.header is not None and added.header.context_length == 256
    client.remove("tiny")
    assert tiny_file.exists()
    with pytest.raises(NotFound):
        client.show("tiny")


def test_a_model_that_was_added_is_there_after_a_restart(daemon, client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file), display_name="Tiny one")
    assert daemon.stop() == 0
    daemon.start()
    again = client.show("tiny")
    assert again.state is ModelState.ON_DISK and again.display_name == "Tiny one"


def test_a_file_that_is_no_model_is_refused_and_not_added(client: Client, tmp_path: Path):
    junk = tmp_path / "junk.gguf"
    junk.write_bytes(b"GGUF" + os.urandom(500))
    with pytest.raises(ModeldError) as caught:
        client.add("junk", str(junk))
    assert caught.value.code is ErrorCode.BAD_MODEL_FILE
    assert all(model.key != "junk" for model in client.list())


def test_a_loaded_model_answers_and_its_memory_comes_back(client: Client, sample_model: Path):
    client.add("real", str(sample_model))
    loaded = client.load("real", context_size=512).model
    assert loaded.state is ModelState.LOADED
    assert loaded.loaded is not None and loaded.loaded.memory_bytes > 90 * 1024**2
    answer = client.chat("real", [Message(role="user", content="What is two plus two? Answer briefly.")], max_tokens=24)
    assert answer.text.strip()
    assert answer.context_used == answer.prompt_tokens + answer.completion_tokens - (answer.finish == "length")
    pid = loaded.loaded.pid
    client.unload("real", wait=True)
    assert not Path(f"/proc/{pid}").exists()
    assert client.show("real").loaded is None


def test_the_pieces_of_a_stream_are_the_answer(client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    with client.stream_chat("tiny", HELLO, max_tokens=50) as stream:
        text = "".join(chunk.text for chunk in stream)
        assert text == stream.generation.text
        assert stream.generation.completion_tokens <= 50


def test_a_greedy_answer_is_the_same_again_and_the_shared_beginning_is_not_computed_twice(
    client: Client, sample_model: Path
):
    client.add("real", str(sample_model))
    first = client.chat("real", HELLO, max_tokens=16, sampling=GREEDY)
    second = client.chat("real", HELLO, max_tokens=16, sampling=GREEDY)
    assert first.text == second.text
    assert first.cached_tokens == 0 and second.cached_tokens == first.prompt_tokens - 1


def test_a_prompt_that_does_not_fit_is_refused_with_both_numbers(client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    client.load("tiny")
    with pytest.raises(Refused) as caught:
        client.generate("tiny", "x" * 300)
    assert caught.value.code is ErrorCode.CONTEXT_OVERFLOW
    assert "256" in caught.value.message and "300" in caught.value.message


def test_a_full_context_ends_the_answer_and_says_so(client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    client.load("tiny")
    seen = client.events("context.tiny")
    for seed in range(50):
        answer = client.generate("tiny", "x" * 250, sampling=Sampling(seed=seed))
        if answer.finish == "context_full":
            break
    assert answer.finish == "context_full" and answer.context_used == 256
    assert any(isinstance(event, events.ContextFull) for event in seen)
    seen.close()


def test_context_events_are_true_to_the_token(client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    client.load("tiny")
    seen = client.events("context.tiny")
    answer = client.generate("tiny", "hello", max_tokens=20)
    last = next(event for event in seen if isinstance(event, events.ContextUsed) and event.used == answer.context_used)
    assert last.size == 256
    seen.close()


def test_a_killed_worker_leaves_the_daemon_running_and_a_later_load_works(client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    loaded = client.load("tiny").model.loaded
    assert loaded is not None
    seen = client.events("model.tiny")
    os.kill(loaded.pid, signal.SIGKILL)
    gone = next(
        event for event in seen if isinstance(event, events.ModelChanged) and event.model.state is ModelState.ON_DISK
    )
    seen.close()
    assert gone.model.failure is not None and gone.model.failure.code is ErrorCode.WORKER_CRASHED
    assert "SIGKILL" in gone.model.failure.message
    assert client.load("tiny").model.state is ModelState.LOADED


def test_a_file_that_is_cut_off_while_it_is_loaded_is_the_reason_that_is_given(client: Client, tmp_path: Path):
    path = tiny_gguf.write(tmp_path / "cut.gguf")
    client.add("cut", str(path))
    client.load("cut")
    os.truncate(path, 4096)
    with pytest.raises(ModeldError) as caught:
        client.generate("cut", "hello", max_tokens=4)
    assert caught.value.failure.reason == Reason.MODEL_FILE_CHANGED.id
    failure = client.show("cut").failure
    assert failure is not None and failure.reason == Reason.MODEL_FILE_CHANGED.id


def test_a_worker_killed_in_the_middle_of_an_answer_is_an_error_to_its_client(client: Client, tmp_path: Path):
    client.add("slow", str(tiny_gguf.write(tmp_path / "slow.gguf", context=100_000, layers=8)))
    loaded = client.load("slow", context_size=100_000).model.loaded
    assert loaded is not None
    with client.stream_generate("slow", "hello", max_tokens=90_000, sampling=GREEDY) as stream:
        next(iter(stream))
        os.kill(loaded.pid, signal.SIGKILL)
        with pytest.raises(ModeldError) as caught:
            for _ in stream:
                pass
    assert caught.value.code is ErrorCode.WORKER_CRASHED


def test_a_stream_that_is_cancelled_frees_the_model(client: Client, tmp_path: Path):
    client.add("slow", str(tiny_gguf.write(tmp_path / "slow.gguf", context=100_000, layers=8)))
    client.load("slow", context_size=100_000)
    with client.stream_generate("slow", "hello", max_tokens=90_000, sampling=GREEDY) as stream:
        next(iter(stream))
        stream.cancel()
        for _ in stream:
            pass
        assert stream.generation.finish == "cancelled"
    assert client.generate("slow", "again", max_tokens=2).completion_tokens <= 2


def test_a_loaded_model_is_not_removed(client: Client, tiny_file: Path):
    client.add("tiny", str(tiny_file))
    client.load("tiny")
    with pytest.raises(Refused) as caught:
        client.remove("tiny")
    assert caught.value.code is ErrorCode.IN_USE


def test_the_mirror_of_a_busy_daemon_equals_a_fresh_snapshot(client: Client, tiny_file: Path):
    mirror = client.follow()
    following = iter(mirror)
    next(following)
    client.add("tiny", str(tiny_file))
    client.load("tiny")
    client.generate("tiny", "hello", max_tokens=5)
    client.unload("tiny", wait=True)
    target = client.snapshot()
    for _ in following:
        if mirror.snapshot.seq >= target.seq:
            break
    assert mirror.snapshot.models == target.models
    mirror.close()

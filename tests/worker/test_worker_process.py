"""The child as a process: how it begins, how it loads, and every way it ends."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from modeld.protocol.errors import ErrorCode, Note
from modeld.protocol.reasons import Reason
from modeld.protocol.workers import Answer, Answered, Exit, LoadFailed, LoadFile, Ready
from modeld.worker import native
from support import tiny_gguf
from support.worker_child import DEADLINE_S, GREEDY, Child


def test_without_a_daemon_it_says_how_it_is_used():
    done = subprocess.run([sys.executable, "-m", "modeld.worker"], capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 2
    assert "usage" in done.stderr and not done.stdout


def test_it_says_hello_with_its_process_id(start: Callable[[], Child]):
    child = start()
    assert child.hello.pid == child.process.pid


def test_ready_has_the_real_figures(start: Callable[[], Child], sample_model: Path):
    child = start()
    ready = child.load(sample_model, context_size=512)
    assert (ready.context_size, ready.threads) == (512, 1)
    assert ready.load_s > 0
    assert 0.5 < ready.memory_bytes / psutil.Process(child.process.pid).memory_info().rss < 2
    assert ready.library.startswith("llama-cpp-python ") and "llama.cpp" in ready.library


def test_the_context_is_no_larger_than_the_model_was_trained_for(start: Callable[[], Child], tiny_file: Path):
    assert start().load(tiny_file, context_size=4096).context_size == 256


@pytest.mark.parametrize("content", [b"", b"not a model at all", b"GGUF\x03\x00\x00\x00" + b"\xff" * 64])
def test_a_broken_file_is_a_failed_load_in_llama_cpps_own_words(
    start: Callable[[], Child], tmp_path: Path, content: bytes
):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(content)
    child = start()
    child.tell(LoadFile(model="m", path=str(broken), context_size=256))
    failure = child.hear(LoadFailed).failure
    assert failure.code is ErrorCode.LOAD_FAILED and failure.reason == Reason.MODEL_DAMAGED.id
    cause = failure.fields["cause"]
    assert isinstance(cause, Note) and cause.reason == Reason.LIBRARY_ERROR.id and cause.fields["error"]
    assert str(broken) in failure.message and cause.message in failure.message
    assert child.process.wait(DEADLINE_S) == 1
    assert child.printed() == b""


def test_a_file_that_ends_too_soon_is_a_failed_load(start: Callable[[], Child], tiny_file: Path, tmp_path: Path):
    short = tmp_path / "short.gguf"
    short.write_bytes(tiny_file.read_bytes()[:-5000])
    child = start()
    child.tell(LoadFile(model="m", path=str(short), context_size=256))
    assert child.hear(LoadFailed).failure.code is ErrorCode.LOAD_FAILED
    assert child.process.wait(DEADLINE_S) == 1


def test_told_to_exit_it_ends_well_and_has_printed_nothing(start: Callable[[], Child], tiny_file: Path):
    child = start()
    child.load(tiny_file)
    child.ask("a", max_tokens=4)
    child.tell(Exit())
    assert child.process.wait(DEADLINE_S) == 0
    assert child.printed() == b""


def test_told_to_exit_in_the_middle_of_an_answer_it_gives_what_there_is(start: Callable[[], Child], tmp_path: Path):
    child = start()
    child.load(tiny_gguf.write(tmp_path / "long.gguf", context=20_000), context_size=20_000)
    child.tell(Answer(task=1, prompt="a", sampling=GREEDY))
    child.news()
    child.tell(Exit())
    _, end = child.end_of(1)
    assert isinstance(end, Answered) and end.generation.finish in ("cancelled", "stop")
    assert child.process.wait(DEADLINE_S) == 0


def test_it_ends_with_its_daemon_even_in_the_middle_of_an_answer(start: Callable[[], Child], tmp_path: Path):
    child = start()
    child.load(tiny_gguf.write(tmp_path / "long.gguf", context=20_000), context_size=20_000)
    child.tell(Answer(task=1, prompt="a", sampling=GREEDY))
    child.news()
    assert child.process.stdin is not None
    child.process.stdin.close()
    assert child.process.wait(DEADLINE_S) == 0


def test_a_ctrl_c_at_the_terminal_does_not_end_it(start: Callable[[], Child], tiny_file: Path):
    child = start()
    child.process.send_signal(signal.SIGINT)
    assert child.load(tiny_file).context_size == 256


def test_the_rest_of_llama_cpp_python_is_not_imported():
    code = "import sys; import modeld.worker.engine; print(*sorted({'numpy', 'llama_cpp.llama'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE_S, check=True)
    assert done.stdout.split() == []


def test_without_a_gpu_layers_asked_for_are_not_claimed(start: Callable[[], Child], tiny_file: Path):
    if native.gpu_name():
        pytest.skip("this machine has a GPU that llama.cpp can use")
    child = start()
    child.tell(LoadFile(model="m", path=str(tiny_file), context_size=256, gpu_layers=-1, threads=1))
    ready = child.hear(Ready)
    assert (ready.device, ready.gpu_layers) == ("CPU", 0)

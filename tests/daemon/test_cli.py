"""The command line against a real daemon: what a person types, and what comes back."""

import json
import subprocess
import sys
from pathlib import Path

import gguf
from support import tiny_gguf


def modelctl(daemon, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "modelctl", *words],
        env={**daemon.environment, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def test_a_model_from_file_to_answer_and_back(daemon, tiny_file: Path):
    assert modelctl(daemon, "add", "tiny", str(tiny_file)).returncode == 0
    assert modelctl(daemon, "load", "TINY").returncode == 0
    answer = modelctl(daemon, "--json", "run", "tiny", "hello", "--max-tokens", "5")
    last = json.loads(answer.stdout.splitlines()[-1])
    used = last["generation"]["context_used"]
    card = modelctl(daemon, "show", "tiny").stdout
    assert "✅  TINY  🟢 ACTIVE  🔵 LOADED" in card
    assert f"Context: {used}/256 tokens [" in card
    assert f"{used}/256" in modelctl(daemon, "ps").stdout
    assert modelctl(daemon, "rm", "tiny").returncode == 5
    assert modelctl(daemon, "unload", "tiny").returncode == 0
    assert modelctl(daemon, "rm", "tiny").returncode == 0
    gone = modelctl(daemon, "show", "tiny")
    assert gone.returncode == 4 and gone.stdout == "" and "hint:" in gone.stderr


def test_show_lists_the_sampling_of_the_file_and_what_of_it_is_not_applied(daemon, tmp_path: Path):
    integer = gguf.GGUFValueType.INT32
    pairs = [("general.sampling.top_k", 20, integer), ("general.sampling.mirostat", 2, integer)]
    modelctl(daemon, "add", "named", str(tiny_gguf.write(tmp_path / "named.gguf", pairs=pairs)))
    assert "Sampling: top_k 20, mirostat 2 (not applied)\n" in modelctl(daemon, "show", "named").stdout


def test_two_benchmarks_are_compared_and_the_change_is_told(daemon, tiny_file: Path):
    for key in ("one", "two"):
        modelctl(daemon, "add", key, str(tiny_file))
    for _ in range(2):
        assert modelctl(daemon, "bench", "one", "two", "-r", "2").returncode == 0
    compared = modelctl(daemon, "compare", "one", "two").stdout.splitlines()
    assert compared[0] == "📊 Performance Comparison"
    assert compared[1].split() == ["Model", "|", "Tokens/Sec", "|", "Inference(ms)", "|", "Memory(MB)", "|", "Context"]
    assert compared[-2].startswith("🏆 Fastest: ") and compared[-1].startswith("💾 Most Efficient: ")
    assert "Average of 2" in modelctl(daemon, "results", "one").stdout


def test_a_program_can_stop_the_daemon(daemon):
    assert modelctl(daemon, "down").returncode == 0
    assert daemon.process.wait(10) == 0
    assert modelctl(daemon, "status").returncode == 3

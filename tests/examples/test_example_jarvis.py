"""The programs of ``examples/jarvis/`` as they stand there, against a real daemon and the sample model."""

import sys
from pathlib import Path

import pytest
from support.example_program import EXAMPLES, Example
from support.real_daemon import RealDaemon

ALL = ["benchmark", "download", "formats", "manager", "runtime"]


@pytest.fixture
def settings() -> dict[str, str]:
    return {"LLM_CONTEXT_SIZE": "1024"}


def example(name: str, home: Path) -> Example:
    return Example([sys.executable, str(EXAMPLES / "jarvis" / f"{name}.py")], home)


def test_every_program_is_run_here():
    assert sorted(path.stem for path in (EXAMPLES / "jarvis").glob("*.py")) == ALL


def test_formats(tmp_path: Path):
    assert example("formats", tmp_path).run().splitlines() == [
        "Downloaded: 2.7 GB / 4.1 GB",
        "Speed: 15.3 MB/s",
        "ETA: 1m 32s | 2h 5m | N/A",
    ]


def test_a_download_calls_back_and_blocks_until_the_model_is_there(daemon: RealDaemon):
    said = example("download", daemon.home).run().splitlines()
    assert said[-1] in [f"there: True | status: {end} | downloading: False" for end in ("completed", "already_exists")]
    assert len(said) > 1 and all(line.startswith(("smollm2: ", "Downloaded: ", "Speed: ")) for line in said[:-1])


def test_a_download_that_cannot_be_is_false_and_says_why(daemon: RealDaemon):
    said = example("download", daemon.home).run("nobody", code=1)
    assert said == "", "nothing on standard error: the reason is told to the callback"


def test_a_benchmark_is_told_of_measured_and_remembered(daemon: RealDaemon):
    example("download", daemon.home).run()
    said = example("benchmark", daemon.home).run().splitlines()
    assert sum(line.startswith("completed") for line in said) == 1
    figures = dict(line.split(": ", 1) for line in said if ": " in line)
    assert float(figures["Tokens/sec"]) > 0 and figures["Context"].endswith("/1024")
    assert figures["Average"] == f"{figures['Tokens/sec']} tokens/sec"


def test_the_classic_manager_loads_answers_and_unloads(daemon: RealDaemon):
    example("download", daemon.home).run()
    said = example("manager", daemon.home).run().splitlines()
    assert said[0].endswith("ready: True")
    assert "loaded: ['smollm2'] | current: smollm2" in said and "status: ['smollm2']" in said
    assert next(line for line in said if line.startswith("answer: ")) != "answer: None"
    assert said[-1] == "{'action': 'unload', 'success': True, 'model': 'smollm2'}"


def test_the_live_singletons_download_load_and_answer(daemon: RealDaemon):
    said = example("runtime", daemon.home).run().splitlines()
    assert "loaded: True" in said and "success: True | model: smollm2 | device: cpu" in said
    assert "window: 512" in said and said[-1] == "unloaded: True"


def test_without_a_daemon_they_end_with_a_word_and_no_traceback(tmp_path: Path):
    assert example("benchmark", tmp_path).run(code=1).splitlines()[-1] == "smollm2 could not be measured"
    assert example("manager", tmp_path).run(code=1).splitlines()[-1] == "smollm2 could not be loaded"

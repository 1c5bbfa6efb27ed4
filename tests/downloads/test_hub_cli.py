"""The verbs of the hub as a person types them, against a real daemon and a hub."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.hub_emulator import HubEmulator
from support.real_daemon import RealDaemon

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def hub(tiny_file: Path) -> Iterator[HubEmulator]:
    data = tiny_file.read_bytes()
    with HubEmulator() as emulator:
        emulator.add("org/Tiny-GGUF", {"Tiny-Q4_K_M.gguf": data, "Tiny-Q8_0.gguf": data + b"x"}, downloads=12345)
        emulator.add("org/Gated-GGUF", {"Gated-Q4_K_M.gguf": data}, gated=True)
        yield emulator


@pytest.fixture
def settings(hub: HubEmulator, tmp_path: Path) -> dict[str, str]:
    return {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "hf"), "HOME": str(tmp_path), "LANG": "C.UTF-8"}


@pytest.fixture
def modelctl(daemon: RealDaemon) -> Run:
    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "modelctl", *words]
        return subprocess.run(command, env=daemon.environment, capture_output=True, text=True, timeout=60)

    return run


def test_a_search_names_repositories_and_how_to_go_on(modelctl: Run):
    found = modelctl("search", "gguf", "-n", "1")
    assert found.returncode == 0, found.stderr
    assert "org/Tiny-GGUF  12,345" in found.stdout and "org/Gated" not in found.stdout
    assert "modelctl files hf:org/Tiny-GGUF" in found.stderr and "--next 1" in found.stderr
    rest = modelctl("search", "gguf", "-n", "1", "--next", "1")
    assert "org/Gated-GGUF" in rest.stdout and "gated" in rest.stdout and "--next" not in rest.stderr
    assert "Nothing was found" in modelctl("search", "nonsense").stderr


def test_the_files_of_a_repository_are_a_table_with_the_best_one_marked(modelctl: Run):
    listed = modelctl("files", "hf:org/Tiny-GGUF")
    assert listed.returncode == 0, listed.stderr
    first, second = listed.stdout.splitlines()[1:]
    assert first.startswith("*  Q4_K_M") and "fits" in first and first.endswith("Tiny-Q4_K_M.gguf")
    assert second.startswith("   Q8_0") and second.endswith("Tiny-Q8_0.gguf")
    assert "a context of 256 tokens" in listed.stderr
    gated = modelctl("files", "org/Gated-GGUF")
    assert gated.returncode == 0 and "is gated" in gated.stderr and "?" in gated.stdout


def test_programs_get_the_daemons_answer_as_json(modelctl: Run):
    answer = json.loads(modelctl("files", "hf:org/Tiny-GGUF", "--json").stdout)
    assert answer["chosen"] == "Tiny-Q4_K_M.gguf" and answer["files"][0]["fits"]["verdict"] == "fits"
    assert json.loads(modelctl("search", "tiny", "--json").stdout)["repositories"][0]["id"] == "org/Tiny-GGUF"
    assert json.loads(modelctl("scan", "--json").stdout)["found"] == []


def test_a_pull_of_a_source_says_what_it_needs_and_where_it_is_known_by(modelctl: Run):
    pulled = modelctl("pull", "hf:org/Tiny-GGUF:q8_0")
    assert pulled.returncode == 0, pulled.stderr
    assert "TINY-Q8_0 is downloaded. Load it with: modelctl load tiny-q8_0" in pulled.stdout
    needs = pulled.stderr.index("Memory: needs")
    assert needs < pulled.stderr.index("verifying") and "It fits this machine." in pulled.stderr
    again = modelctl("pull", "hf:org/Tiny-GGUF:q8_0")
    assert "already downloaded" in again.stdout


def test_a_shown_model_says_what_it_needs_before_its_download(modelctl: Run):
    modelctl("add", "tiny", "hf:org/Tiny-GGUF")
    shown = modelctl("show", "TINY")
    assert shown.returncode == 0, shown.stderr
    assert "Memory: needs" in shown.stdout and "to download" in shown.stdout


def test_refusals_have_their_exit_codes_and_hints(modelctl: Run):
    gated = modelctl("pull", "hf:org/Gated-GGUF")
    assert gated.returncode == 5 and "/org/Gated-GGUF" in gated.stderr and "HF_TOKEN" in gated.stderr
    missing = modelctl("pull", "hf:org/Tiny-GGUF:Q2_K")
    assert missing.returncode == 4 and "It has: Q4_K_M, Q8_0." in missing.stderr
    assert "tiny-q2_k" not in modelctl("ls").stdout.lower()
    assert modelctl("files", "hf:org/").returncode == 2

"""Settings: the file, the environment over it, and what is wrong said by name."""

from pathlib import Path

import pytest
from modeld.settings import Settings, SettingsError, read


def test_without_a_file_the_defaults_hold(tmp_path: Path):
    assert read(tmp_path / "config.toml", {}) == Settings()


def test_the_environment_is_over_the_file(tmp_path: Path):
    file = tmp_path / "config.toml"
    file.write_text("context_size = 1000\nthreads = 3\n")
    settings = read(file, {"LLM_CONTEXT_SIZE": "2000"})
    assert (settings.context_size, settings.threads) == (2000, 3)


@pytest.mark.parametrize(
    ("environment", "layers"),
    [
        ({}, -1),
        ({"LLAMA_GPU_LAYERS": "35"}, 35),
        ({"LLAMA_GPU_LAYERS": "0"}, 0),
        ({"LLAMA_USE_GPU": "0"}, 0),
        ({"LLAMA_USE_GPU": "false", "LLAMA_GPU_LAYERS": "35"}, 0),
        ({"LLAMA_USE_GPU": "1", "LLAMA_GPU_LAYERS": "-1"}, -1),
    ],
)
def test_no_gpu_really_means_no_layers(tmp_path: Path, environment: dict[str, str], layers: int):
    assert read(tmp_path / "config.toml", environment).effective_gpu_layers() == layers


@pytest.mark.parametrize("name", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_TOKEN"])
def test_the_token_has_three_names_and_the_newest_wins(tmp_path: Path, name: str):
    assert read(tmp_path / "config.toml", {name: "secret"}).hub_token == "secret"
    assert read(tmp_path / "config.toml", {name: "old", "HF_TOKEN": "new"}).hub_token == "new"


def test_a_value_out_of_range_names_its_variable(tmp_path: Path):
    with pytest.raises(SettingsError, match="LLM_MAX_CACHED_MODELS"):
        read(tmp_path / "config.toml", {"LLM_MAX_CACHED_MODELS": "-1"})
    with pytest.raises(SettingsError, match="LLM_CPU_THREADS"):
        read(tmp_path / "config.toml", {"LLM_CPU_THREADS": "100000"})

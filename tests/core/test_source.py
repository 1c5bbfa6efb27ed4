"""What a source can be, and what it cannot."""

import pytest
from modeld.core.source import Source, parse
from modeld.protocol.errors import Failure

HUB = "https://huggingface.co"


def test_a_hub_file_becomes_its_download_address():
    found = parse("hf:org/repo:Model.Q4.gguf", "https://mirror.example/", False)
    assert found == Source(url="https://mirror.example/org/repo/resolve/main/Model.Q4.gguf", file_name="Model.Q4.gguf")


def test_a_path_stays_a_path():
    assert parse("/models/a.gguf", HUB, False) == Source(path="/models/a.gguf")


def test_http_is_for_this_machine_unless_allowed():
    assert isinstance(parse("http://example.org/a.gguf", HUB, False), Failure)
    assert isinstance(parse("http://example.org/a.gguf", HUB, True), Source)
    assert isinstance(parse("http://127.0.0.1:8000/a.gguf", HUB, False), Source)


@pytest.mark.parametrize(
    "source",
    [
        "hf:org:file.gguf",
        "hf:org/repo:../../x",
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
    refused = parse(source, HUB, False)
    assert isinstance(refused, Failure) and refused.hint and "'" in refused.message

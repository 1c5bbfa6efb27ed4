"""Which files of a repository are meant."""

import pytest
from modeld.core.downloads.repository import Bundle, bundles, choose, quantization_of
from modeld.core.downloads.source import HubSource
from modeld.core.facts import RemoteFile
from modeld.protocol.errors import Failure

GIB = 1024**3


def repository(**sizes: float) -> list[RemoteFile]:
    """Files ``m-NAME.gguf`` of so many GiB."""
    return [RemoteFile(path=f"m-{name}.gguf", size_bytes=int(size * GIB)) for name, size in sizes.items()]


def chosen(files: list[RemoteFile], memory: float = 64, **wanted: str) -> Bundle:
    found = choose(files, HubSource("org/repo", **wanted), int(memory * GIB))
    assert isinstance(found, Bundle), found
    return found


def refused(files: list[RemoteFile], **wanted: str) -> Failure:
    found = choose(files, HubSource("org/repo", **wanted), 0)
    assert isinstance(found, Failure), found
    return found


@pytest.mark.parametrize(
    ("path", "quantization"),
    [
        ("Llama-3.2-3B-Instruct-Q4_K_M.gguf", "Q4_K_M"),
        ("qwen2.5-0.5b-instruct-q8_0.gguf", "Q8_0"),
        ("Phi-3-mini-4k-instruct-q4.gguf", "Q4"),
        ("Q6_K/Model-00001-of-00004.gguf", "Q6_K"),
        ("model.IQ2_XXS.gguf", "IQ2_XXS"),
        ("Model-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("Phi-3-mini-4k-instruct-fp16.gguf", "F16"),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("Model-BF16.gguf", "BF16"),
        ("tinyllama.gguf", ""),
    ],
)
def test_the_quantization_is_what_the_name_says(path: str, quantization: str):
    assert quantization_of(path) == quantization


def test_parts_are_one_model_and_what_is_beside_models_is_none():
    names = ["Q8/Big-Q8_0-00002-of-00002.gguf", "Q8/Big-Q8_0-00001-of-00002.gguf", "mmproj-Big-F16.gguf", "README.md"]
    (only,) = bundles([RemoteFile(path=name, size_bytes=5) for name in names])
    assert [file.path[-19:] for file in only.files] == ["_0-00001-of-00002.gguf"[-19:], "_0-00002-of-00002.gguf"[-19:]]
    assert (only.size_bytes, only.quantization, only.parts, only.whole) == (10, "Q8_0", 2, True)


def test_without_a_wish_it_is_q4_k_m_if_this_machine_holds_it():
    files = repository(Q2_K=3, Q3_K_M=4, Q4_K_M=5, Q5_K_M=6, Q8_0=9)
    assert chosen(files).quantization == "Q4_K_M"
    assert chosen(files, memory=5).quantization == "Q3_K_M"
    assert chosen(files, memory=1).quantization == "Q2_K"


def test_more_bits_come_before_fewer_where_there_are_no_four():
    assert chosen(repository(Q2_K=3, Q5_K_M=6, Q8_0=9)).quantization == "Q5_K_M"
    assert chosen(repository(F16=3, odd=4)).name == "m-F16.gguf"


def test_a_quantization_is_named_in_any_case_and_by_its_beginning():
    files = repository(Q4_0=4, Q4_K_M=5, Q5_K_M=6)
    assert chosen(files, quantization="q5_k_m").name == "m-Q5_K_M.gguf"
    assert chosen(files, quantization="Q4").name == "m-Q4_K_M.gguf"
    assert chosen(files, quantization="Q4_0").name == "m-Q4_0.gguf"


def test_a_file_is_named_exactly_and_a_part_means_its_whole_model():
    files = [RemoteFile(path=f"a-0000{n}-of-00002.gguf", size_bytes=1) for n in (1, 2)]
    assert len(chosen(files, file="a-00002-of-00002.gguf").files) == 2


def test_what_is_not_there_is_refused_with_what_is():
    files = repository(Q4_K_M=5, Q8_0=9)
    assert "Q4_K_M, Q8_0" in refused(files, quantization="Q9").hint
    assert "m-Q8_0.gguf" in refused(files, file="m-Q8.gguf").hint
    assert "no GGUF file" in refused([RemoteFile(path="a.safetensors", size_bytes=1)]).message


def test_a_model_that_lacks_a_part_is_refused():
    assert "one of 3 parts" in refused([RemoteFile(path="a-00001-of-00003.gguf", size_bytes=1)]).message

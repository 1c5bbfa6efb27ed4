"""Tiny random models that llama.cpp can load: a llama architecture with a byte-level vocabulary."""

from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np

TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def byte_tokens() -> list[str]:
    """The 256 bytes as written in GPT-2's vocabulary (its bytes_to_unicode)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    names = {byte: chr(byte) for byte in plain}
    extra = 0
    for byte in range(256):
        if byte not in names:
            names[byte] = chr(256 + extra)
            extra += 1
    return [names[byte] for byte in range(256)]


def write(
    path: Path,
    *,
    vocabulary: int = 300,
    layers: int = 1,
    context: int = 256,
    template: str | None = TEMPLATE,
    seed: int = 1,
    pairs: Sequence[tuple[str, object, gguf.GGUFValueType]] = (),
    alignment: int = 0,
) -> Path:
    """Write a model of a few hundred kilobytes to ``path``; the same arguments give the same bytes."""
    random = np.random.default_rng(seed)
    embedding, heads, feed = 32, 2, 64
    tokens = byte_tokens() + [f"<|extra{number}|>" for number in range(vocabulary - 256)]
    types = [gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * (vocabulary - 256)
    writer = gguf.GGUFWriter(str(path), "llama")
    if alignment:
        writer.add_custom_alignment(alignment)
    for pair in pairs:
        writer.add_key_value(*pair)
    writer.add_name("Tiny")
    writer.add_context_length(context)
    writer.add_embedding_length(embedding)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(feed)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(embedding // heads)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(["Ġ t"])
    writer.add_bos_token_id(256)
    writer.add_eos_token_id(257)
    if template is not None:
        writer.add_chat_template(template)

    def tensor(name: str, *shape: int) -> None:
        data = (random.standard_normal(shape) * 0.1).astype(np.float32)
        writer.add_tensor(name, data)

    tensor("token_embd.weight", vocabulary, embedding)
    tensor("output_norm.weight", embedding)
    tensor("output.weight", vocabulary, embedding)
    for layer in range(layers):
        for name, shape in {
            "attn_norm": (embedding,),
            "attn_q": (embedding, embedding),
            "attn_k": (embedding, embedding),
            "attn_v": (embedding, embedding),
            "attn_output": (embedding, embedding),
            "ffn_norm": (embedding,),
            "ffn_gate": (feed, embedding),
            "ffn_up": (feed, embedding),
            "ffn_down": (embedding, feed),
        }.items():
            tensor(f"blk.{layer}.{name}.weight", *shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path

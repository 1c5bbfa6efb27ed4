"""Small models with chosen features: a hybrid, one that says given tokens, an encoder, an adapter.

``tiny_gguf`` writes the usual one.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import gguf
import numpy as np

from support.tiny_gguf import byte_tokens

Type = gguf.GGUFValueType
Pair = tuple[str, object, gguf.GGUFValueType] | tuple[str, object, gguf.GGUFValueType, gguf.GGUFValueType]


class Writer:
    """A GGUF file in the making, with tensors of random numbers."""

    def __init__(self, path: Path, architecture: str, pairs: Sequence[Pair] = ()) -> None:
        self._path = path
        self._random = np.random.default_rng(7)
        self.gguf = gguf.GGUFWriter(str(path), architecture)
        for key, value, *kinds in pairs:
            self.gguf.add_key_value(key, value, *kinds)

    def shape(self, embedding: int, heads: int, feed: int, layers: int, context: int) -> None:
        """Write what every model says of its size."""
        self.gguf.add_name("Odd")
        self.gguf.add_context_length(context)
        self.gguf.add_embedding_length(embedding)
        self.gguf.add_block_count(layers)
        self.gguf.add_feed_forward_length(feed)
        self.gguf.add_head_count(heads)
        self.gguf.add_layer_norm_rms_eps(1e-5)
        self.gguf.add_file_type(gguf.LlamaFileType.ALL_F32)

    def vocabulary(self, more: dict[str, gguf.TokenType], pre: str = "smollm") -> list[str]:
        """Write a vocabulary of the 256 bytes, <|bos|>, <|eos|>, and ``more``; returns the tokens."""
        control = gguf.TokenType.CONTROL
        more = {"<|bos|>": control, "<|eos|>": control} | more
        tokens = byte_tokens() + list(more)
        self.gguf.add_tokenizer_model("gpt2")
        self.gguf.add_tokenizer_pre(pre)
        self.gguf.add_token_list(tokens)
        self.gguf.add_token_types([gguf.TokenType.NORMAL] * 256 + list(more.values()))
        self.gguf.add_token_merges(["Ġ t"])
        self.gguf.add_bos_token_id(256)
        self.gguf.add_eos_token_id(257)
        return tokens

    def tensor(self, name: str, *shape: int, data: "np.ndarray | None" = None) -> None:
        """Add a tensor of ``data``, or of random numbers."""
        self.gguf.add_tensor(name, self.random(*shape) if data is None else data.astype(np.float32))

    def random(self, *shape: int) -> "np.ndarray":
        """Random numbers of this shape; the same program gets the same ones."""
        return (self._random.standard_normal(shape) * 0.1).astype(np.float32)

    def end(self) -> Path:
        """Write the file."""
        self.gguf.write_header_to_file()
        self.gguf.write_kv_data_to_file()
        self.gguf.write_tensors_to_file()
        self.gguf.close()
        return self._path


def speaker(
    path: Path,
    answer: Sequence[str],
    *,
    after: str = ">",
    architecture: str = "llama",
    more: dict[str, gguf.TokenType] | None = None,
    context: int = 512,
    pre: str = "smollm",
    pairs: Sequence[Pair] = (),
    tensors: Sequence[tuple[str, tuple[int, ...]]] = (),
) -> Path:
    """A llama model that says the tokens ``answer`` (each once) and ends, after a prompt that ends in ``after``."""
    embedding, heads, feed = 96, 2, 64
    writer = Writer(path, architecture, pairs)
    writer.shape(embedding, heads, feed, 1, context)
    writer.gguf.add_head_count_kv(heads)
    writer.gguf.add_rope_dimension_count(embedding // heads)
    writer.gguf.add_chat_template("{{ messages[-1].content }}>")
    tokens = writer.vocabulary(more or {}, pre)
    at = {token: number for number, token in enumerate(tokens)}
    table = writer.random(len(tokens), embedding)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    out = np.zeros((len(tokens), embedding), np.float32)
    chain = [after, *answer, "<|eos|>"]
    for here, there in pairwise(chain):
        out[at[there]] += 50 * table[at[here]]
    writer.tensor("token_embd.weight", data=table)
    writer.tensor("output_norm.weight", data=np.ones(embedding))
    writer.tensor("output.weight", data=out)
    for name in ("attn_norm", "ffn_norm"):
        writer.tensor(f"blk.0.{name}.weight", embedding)
    for name in ("attn_q", "attn_k", "attn_v"):
        writer.tensor(f"blk.0.{name}.weight", embedding, embedding)
    for name in ("ffn_gate", "ffn_up"):
        writer.tensor(f"blk.0.{name}.weight", feed, embedding)
    # Attention and feed-forward add nothing, so the last token alone decides the next.
    writer.tensor("blk.0.attn_output.weight", data=np.zeros((embedding, embedding)))
    writer.tensor("blk.0.ffn_down.weight", data=np.zeros((embedding, feed)))
    for name, shape in tensors:
        writer.tensor(name, *shape)
    return writer.end()


def hybrid(path: Path, *, context: int = 1024) -> Path:
    """A hybrid model (lfm2): attention in two layers of four, a recurrent state in the others."""
    embedding, heads, feed, layers, attention = 64, 4, 64, 4, (1, 3)
    writer = Writer(path, "lfm2")
    writer.shape(embedding, heads, feed, layers, context)
    per_layer = [heads if layer in attention else 0 for layer in range(layers)]
    writer.gguf.add_key_value("lfm2.attention.head_count_kv", per_layer, Type.ARRAY, Type.INT32)
    writer.gguf.add_key_value("lfm2.shortconv.l_cache", 3, Type.UINT32)
    writer.gguf.add_rope_freq_base(1e6)
    tokens = writer.vocabulary({})
    writer.gguf.add_vocab_size(len(tokens))
    writer.tensor("token_embd.weight", data=10 * writer.random(len(tokens), embedding))
    writer.tensor("token_embd_norm.weight", data=np.ones(embedding))
    for layer in range(layers):
        here = f"blk.{layer}."
        writer.tensor(here + "attn_norm.weight", data=np.ones(embedding))
        writer.tensor(here + "ffn_norm.weight", data=np.ones(embedding))
        for name in ("ffn_gate", "ffn_up"):
            writer.tensor(f"{here}{name}.weight", feed, embedding)
        writer.tensor(here + "ffn_down.weight", embedding, feed)
        if layer in attention:
            for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
                writer.tensor(f"{here}{name}.weight", data=5 * writer.random(embedding, embedding))
            for name in ("attn_q_norm", "attn_k_norm"):
                writer.tensor(f"{here}{name}.weight", data=np.ones(embedding // heads))
        else:
            writer.tensor(here + "shortconv.conv.weight", data=10 * writer.random(embedding, 3))
            writer.tensor(here + "shortconv.in_proj.weight", data=5 * writer.random(3 * embedding, embedding))
            writer.tensor(here + "shortconv.out_proj.weight", data=5 * writer.random(embedding, embedding))
    return writer.end()


def encoder(path: Path, *, pooling: int | None = 1, causal: bool | None = False) -> Path:
    """An embedding model (bert): llama.cpp loads it, and it makes no text; None leaves a property out."""
    embedding, heads, feed, context = 32, 2, 64, 512
    writer = Writer(path, "bert")
    writer.shape(embedding, heads, feed, 1, context)
    writer.gguf.add_layer_norm_eps(1e-12)
    if causal is not None:
        writer.gguf.add_causal_attention(causal)
    if pooling is not None:
        writer.gguf.add_key_value("bert.pooling_type", pooling, Type.UINT32)
    letters = [chr(97 + number) for number in range(26)]
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = marks + ["▁" + letter for letter in letters] + letters
    writer.gguf.add_tokenizer_model("bert")
    writer.gguf.add_token_list(words)
    writer.gguf.add_token_scores([-1000.0] * len(words))
    writer.gguf.add_token_types([gguf.TokenType.CONTROL] * 5 + [gguf.TokenType.NORMAL] * 52)
    writer.gguf.add_token_type_count(2)
    writer.gguf.add_bos_token_id(2)
    writer.gguf.add_eos_token_id(3)
    writer.gguf.add_unk_token_id(1)
    writer.gguf.add_sep_token_id(3)
    writer.gguf.add_pad_token_id(0)
    writer.tensor("token_embd.weight", len(words), embedding)
    writer.tensor("token_types.weight", 2, embedding)
    writer.tensor("position_embd.weight", context, embedding)
    for name in ("token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"):
        writer.tensor(name + ".weight", embedding)
        writer.tensor(name + ".bias", embedding)
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.tensor(f"blk.0.{name}.weight", embedding, embedding)
        writer.tensor(f"blk.0.{name}.bias", embedding)
    for name, rows, columns in (("ffn_up", feed, embedding), ("ffn_down", embedding, feed)):
        writer.tensor(f"blk.0.{name}.weight", rows, columns)
        writer.tensor(f"blk.0.{name}.bias", rows)
    return writer.end()


def encoder_decoder(path: Path) -> Path:
    """A model with an encoder and a decoder (t5)."""
    embedding, heads, feed = 32, 2, 64
    writer = Writer(path, "t5")
    writer.shape(embedding, heads, feed, 1, 512)
    writer.gguf.add_key_length(embedding // heads)
    writer.gguf.add_value_length(embedding // heads)
    writer.gguf.add_relative_attn_buckets_count(8)
    writer.gguf.add_decoder_start_token_id(0)
    tokens = writer.vocabulary({})
    writer.tensor("token_embd.weight", len(tokens), embedding)
    attention = ["attn_q", "attn_k", "attn_v", "attn_o"]
    for half, kinds in (("enc", attention), ("dec", attention + ["cross_" + name for name in attention])):
        here = f"{half}.blk.0."
        writer.tensor(f"{half}.output_norm.weight", embedding)
        writer.tensor(here + "attn_rel_b.weight", 8, heads)
        for name in kinds:
            writer.tensor(f"{here}{name}.weight", embedding, embedding)
        for name in ("attn_norm", "ffn_norm") + (("cross_attn_norm",) if half == "dec" else ()):
            writer.tensor(f"{here}{name}.weight", embedding)
        writer.tensor(here + "ffn_up.weight", feed, embedding)
        writer.tensor(here + "ffn_down.weight", embedding, feed)
    return writer.end()


def thing(path: Path, architecture: str, kind: str = "", pairs: Sequence[Pair] = ()) -> Path:
    """A GGUF file that is no text model: a projector, an adapter, an image model; ``kind`` is its general.type."""
    writer = Writer(path, architecture, pairs)
    if kind:
        writer.gguf.add_key_value("general.type", kind, Type.STRING)
    writer.tensor("x.weight", 32, 32)
    return writer.end()

"""A model in memory: tokens in, tokens out, and a KV cache whose contents are known."""

import ctypes
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from modeld.protocol import sampling as file_sampling
from modeld.protocol.errors import FailureError
from modeld.protocol.reasons import Reason
from modeld.protocol.requests import Sampling
from modeld.protocol.workers import LoadFile
from modeld.worker import cores, load_failures, native
from modeld.worker.large_stack import LargeStack
from modeld.worker.native import lib
from modeld.worker.sharing import DecodeThreads

PIECE_BYTES = 256
"""Bytes of a token's text that are enough for nearly every token; a longer one is asked for again."""

SETTING_BYTES = 64
"""Bytes that a number in the file's metadata can have as text."""

ABORTABLE_TOKENS = 32
"""The smallest batch that can be aborted: the checks cost the same for a batch of any size."""

LOOK_S = 0.01
"""The shortest time between two checks whether to abort a batch."""


_RUN = re.compile(r"\S+|\s+")

_TEXT_ATTRIBUTES = lib.LLAMA_TOKEN_ATTR_NORMAL | lib.LLAMA_TOKEN_ATTR_USER_DEFINED

SLOW_TOKEN_S = 0.5
"""A token that took longer lets the next one be computed with checks, which then cost little: see ``_check``."""

ABORTED = 2
"""What llama_decode returns when its abort callback returned true (llama.h)."""


class EngineError(FailureError):
    """A call of llama.cpp failed."""


class StoppedError(Exception):
    """The computation was stopped on request."""


class Engine:
    """One loaded model with one context. ``tokens`` is what its KV cache holds.

    ``look`` is called now and then while the engine loads or computes; it returns whether to stop.
    """

    def __init__(self, order: LoadFile, look: Callable[[], bool]) -> None:
        began = time.perf_counter()
        self._large_stack = LargeStack()
        self._look = look
        self._token_s = math.inf
        self._model = self._load(order)
        self._refuse_encoder()
        self.vocab = lib.llama_model_get_vocab(self._model)
        self.n_vocab: int = lib.llama_vocab_n_tokens(self.vocab)
        self.threads = order.threads or cores.usable_cores()
        self._context = self._open(order)
        self._memory = lib.llama_get_memory(self._context)
        self._refuse_embedder()
        self._is_recurrent = bool(lib.llama_model_is_recurrent(self._model) or lib.llama_model_is_hybrid(self._model))
        trained = int(lib.llama_model_n_ctx_train(self._model))
        # llama.cpp rounds the context up; a model must not be driven past the last position that it has.
        self.context_size = min(int(lib.llama_n_ctx(self._context)), trained or order.context_size)
        self.batch_size: int = lib.llama_n_batch(self._context)
        self.tokens: list[int] = []
        self._whole = 0  # tokens at the beginning that were computed in whole batches
        self._one = (lib.llama_token * 1)()
        self._one_batch = lib.llama_batch_get_one(self._one, 1)
        self._file_ends = {lib.llama_vocab_eos(self.vocab), lib.llama_vocab_eot(self.vocab)}
        self._suppressed = self._read_suppressed()
        self._file_sampling = self._read_sampling()
        self._piece = ctypes.create_string_buffer(PIECE_BYTES)
        # Kept on self: llama.cpp calls it through a bare pointer.
        self._abort = lib.ggml_abort_callback(self._to_be_given_up)
        self._no_abort = lib.ggml_abort_callback(0)
        self._stopping: Callable[[], bool] = lambda: False
        self._look_at = 0.0
        self._decode_threads = DecodeThreads(self.threads, self._use_threads)
        self._warm_up()
        native.take_errors()  # of a load that was successful all the same
        self.load_s = time.perf_counter() - began

    def _load(self, order: LoadFile) -> object:
        parameters = lib.llama_model_default_params()
        offload = bool(lib.llama_supports_gpu_offload())
        wanted = order.gpu_layers if offload else 0
        parameters.n_gpu_layers = 1_000_000 if wanted < 0 else wanted
        progress = lib.llama_progress_callback(self._load_advanced)
        parameters.progress_callback = progress
        model = lib.llama_model_load_from_file(order.path.encode(), parameters)
        if not model:
            raise EngineError(load_failures.not_loaded(order.path))
        layers = int(lib.llama_model_n_layer(model)) + 1
        self.gpu_layers = layers if wanted < 0 else min(wanted, layers)
        self.device = native.gpu_name() if self.gpu_layers else "CPU"
        return model

    def _load_advanced(self, _fraction: float, _data: object) -> bool:
        """Called by llama.cpp while it loads; whether to go on."""
        self._look()
        return True

    def _open(self, order: LoadFile) -> object:
        parameters = lib.llama_context_default_params()
        trained = int(lib.llama_model_n_ctx_train(self._model))
        parameters.n_ctx = min(order.context_size, trained) if trained else order.context_size
        parameters.n_batch = parameters.n_ubatch = min(order.batch_size, parameters.n_ctx)
        parameters.n_seq_max = 1
        parameters.n_threads = parameters.n_threads_batch = self.threads
        parameters.no_perf = True
        context = lib.llama_init_from_model(self._model, parameters)
        if not context:
            raise EngineError(
                Reason.CONTEXT_NOT_CREATED.failure(context_size=int(parameters.n_ctx), cause=load_failures.cause())
            )
        return context

    def _read_suppressed(self) -> "ctypes.Array[lib.llama_logit_bias]":
        """The tokens that the file says must never be drawn, as a bias of minus infinity."""
        count = ctypes.c_int32(0)
        tokens = lib.llama_vocab_get_suppress_tokens(self.vocab, ctypes.byref(count))
        biases: ctypes.Array[lib.llama_logit_bias] = (lib.llama_logit_bias * count.value)()
        for at in range(count.value):
            biases[at].token, biases[at].bias = tokens[at], -math.inf
        return biases

    def _read_sampling(self) -> dict[str, str]:
        """The sampling settings in the file: name to text."""
        found = {}
        text = ctypes.create_string_buffer(SETTING_BYTES)
        for name in file_sampling.NAMES:
            key = (file_sampling.PREFIX + name).encode()
            if lib.llama_model_meta_val_str(self._model, key, text, SETTING_BYTES) > 0:
                found[name] = text.value.decode("utf-8", "replace")
        return found

    def _refuse_encoder(self) -> None:
        """Raise for a model that cannot be decoded token by token; the header of most says so before."""
        if lib.llama_model_is_diffusion(self._model):
            raise EngineError(Reason.IS_DIFFUSION_MODEL.failure())
        if lib.llama_model_has_encoder(self._model):
            decodes = lib.llama_model_has_decoder(self._model)
            raise EngineError((Reason.IS_ENCODER_DECODER if decodes else Reason.MAKES_EMBEDDINGS).failure())

    def _refuse_embedder(self) -> None:
        """Raise for a model that keeps no tokens, or pools what it computes of them."""
        pooling = lib.llama_pooling_type(self._context)
        if pooling == lib.LLAMA_POOLING_TYPE_RANK:
            raise EngineError(Reason.RANKS_TEXTS.failure())
        if not self._memory or pooling > lib.LLAMA_POOLING_TYPE_NONE:
            raise EngineError(Reason.MAKES_EMBEDDINGS.failure())

    def _warm_up(self) -> None:
        """Bring the weights into memory, so that the first answer is not slower than the next."""
        bos = lib.llama_vocab_bos(self.vocab)
        lib.llama_set_warmup(self._context, True)
        self._one[0] = max(bos, 0)
        self._check(self._decode_with_checks(self._one_batch, lambda: self._look() and False))
        lib.llama_set_warmup(self._context, False)
        self.clear()

    # -- the KV cache --------------------------------------------------------------------------------------------

    def context_used(self) -> int:
        """Tokens in the KV cache, as llama.cpp counts them."""
        return int(lib.llama_memory_seq_pos_max(self._memory, 0)) + 1

    def clear(self) -> None:
        """Empty the KV cache."""
        lib.llama_memory_clear(self._memory, True)
        self._cut(0)

    def _cut(self, count: int) -> None:
        """Note that the memory holds the first ``count`` tokens only."""
        del self.tokens[count:]
        self._whole = min(self._whole, count // self.batch_size * self.batch_size)

    def keep_prefix(self, prompt: Sequence[int], whole_batches: bool = False) -> int:
        """Keep what the KV cache shares with ``prompt``, all but its last token; returns how many tokens that is.

        With ``whole_batches`` only what was computed in the batches that ``prompt`` is computed in from an empty cache:
        llama.cpp computes slightly different numbers where the batches are cut elsewhere.
        """
        common = 0
        for have, want in zip(self.tokens, prompt[:-1], strict=False):
            if have != want:
                break
            common += 1
        if whole_batches:
            common = min(common // self.batch_size * self.batch_size, self._whole)
        if common < len(self.tokens):
            # Recurrent models cannot forget a part: they start over.
            if not lib.llama_memory_seq_rm(self._memory, 0, common, -1):
                self.clear()
                return 0
            self._cut(common)
        return common

    # -- computing -----------------------------------------------------------------------------------------------

    def decode_many(self, tokens: Sequence[int], stopping: Callable[[], bool]) -> None:
        """Compute a batch of at most ``batch_size`` tokens; the logits are those after the last one.

        Raises:
            StoppedError: ``stopping`` returned true during the batch; nothing of it is kept.
        """
        array = (lib.llama_token * len(tokens))(*tokens)
        batch = lib.llama_batch_get_one(array, len(tokens))
        if len(tokens) < ABORTABLE_TOKENS and self._token_s < SLOW_TOKEN_S:
            result = lib.llama_decode(self._context, batch)
        else:
            result = self._decode_with_checks(batch, stopping)
        self._check(result)
        if len(self.tokens) == self._whole and len(tokens) == self.batch_size:
            self._whole += self.batch_size
        self.tokens.extend(tokens)

    def _decode_with_checks(self, batch: object, stopping: Callable[[], bool]) -> int:
        """llama_decode, which asks ``stopping`` on the way."""
        self._stopping, self._look_at = stopping, 0.0
        lib.llama_set_abort_callback(self._context, self._abort, None)
        try:
            return int(lib.llama_decode(self._context, batch))
        finally:
            lib.llama_set_abort_callback(self._context, self._no_abort, None)

    def _to_be_given_up(self, _data: object) -> bool:
        """Asked by llama.cpp for every node of the graph; most times the clock is answer enough."""
        now = time.perf_counter()
        if now < self._look_at:
            return False
        self._look_at = now + LOOK_S
        return self._stopping()

    def decode_one(self, token: int) -> None:
        """Compute one token.

        Raises:
            StoppedError: it was to be stopped while it computed a token that took long.
        """
        self._one[0] = token
        began = time.perf_counter()
        if self._token_s < SLOW_TOKEN_S:
            result = lib.llama_decode(self._context, self._one_batch)
        else:
            result = self._decode_with_checks(self._one_batch, self._look)
        self._token_s = time.perf_counter() - began
        self._check(result)
        self.tokens.append(token)

    def _check(self, result: int) -> None:
        """What llama_decode returned: 0 well, 1 no room in the cache, 2 aborted, below 0 a fault (llama.h).

        The abort callback is set for batches only: llama.cpp calls it for every node of the graph, and from Python that
        costs nearly a third of the rate of single tokens. Between those, a stop is looked for anyway.
        """
        if result == 0:
            return
        self._forget_unfinished()
        if result == ABORTED:
            raise StoppedError
        raise EngineError(Reason.DECODE_FAILED.failure(result=result, cause=load_failures.cause()))

    def _forget_unfinished(self) -> None:
        """Remove what a batch that did not end has left in the memory, so that it holds ``tokens`` again.

        A recurrent state cannot be taken back: where a model has one, nothing of the memory can be trusted.
        """
        lib.llama_synchronize(self._context)
        kept = len(self.tokens)
        removed = not self._is_recurrent and lib.llama_memory_seq_rm(self._memory, 0, kept, -1)
        if not removed or self.context_used() != kept:
            self.clear()

    def share_cores(self) -> None:
        """Called between tokens: decode with fewer threads while other programs want the cores."""
        self._decode_threads.look()

    def use_all_cores(self) -> None:
        """Decode with all threads until ``share_cores`` is called again."""
        self._decode_threads.use_all()

    def _use_threads(self, count: int) -> None:
        """Decode with ``count`` threads; batches use all."""
        lib.llama_set_n_threads(self._context, count, self.threads)

    def finish_computing(self) -> None:
        """Wait until the device has finished its work (for correct times)."""
        lib.llama_synchronize(self._context)

    def sample(self, sampler: object) -> int:
        """The next token."""
        token: int = lib.llama_sampler_sample(sampler, self._context, -1)
        return token

    @contextmanager
    def sampler(self, asked: Sampling, prompt: Sequence[int] = ()) -> Iterator[object]:
        """A chain of samplers: greedy at temperature 0, else penalties, top-k, top-p, min-p, temperature, a draw.

        The penalties see the end of ``prompt``.
        """
        settings = file_sampling.settings(asked, self._file_sampling)
        chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        try:
            if self._suppressed:
                bias = (self.n_vocab, len(self._suppressed), self._suppressed)
                lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_logit_bias(*bias))
            self._add_penalties(chain, settings, prompt)
            if settings.temperature <= 0:
                lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_greedy())
            else:
                seed = lib.LLAMA_DEFAULT_SEED if asked.seed is None else asked.seed
                for sampler in (
                    lib.llama_sampler_init_top_k(settings.top_k),
                    lib.llama_sampler_init_top_p(settings.top_p, 1),
                    lib.llama_sampler_init_min_p(settings.min_p, 1),
                    lib.llama_sampler_init_temp(settings.temperature),
                    lib.llama_sampler_init_dist(seed),
                ):
                    lib.llama_sampler_chain_add(chain, sampler)
            yield chain
        finally:
            lib.llama_sampler_free(chain)

    def _add_penalties(self, chain: object, settings: file_sampling.Settings, prompt: Sequence[int]) -> None:
        last_n = self.context_size if settings.repeat_last_n < 0 else min(settings.repeat_last_n, self.context_size)
        if settings.repeat_penalty == 1.0 or not last_n:
            return
        penalties = lib.llama_sampler_init_penalties(self.n_vocab, last_n, settings.repeat_penalty, 0.0, 0.0)
        for token in prompt[-last_n:]:
            lib.llama_sampler_accept(penalties, token)
        lib.llama_sampler_chain_add(chain, penalties)

    # -- text ----------------------------------------------------------------------------------------------------

    def tokenize(self, text: str, add_special: bool, parse_special: bool) -> list[int]:
        """The tokens of ``text``; ``parse_special`` reads control tokens written in it.

        Raises:
            EngineError: a run of characters without a word boundary is too long for the tokenizer.
        """
        most = self._large_stack.most_characters
        if len(text) > most and (longest := max(len(run[0]) for run in _RUN.finditer(text))) > most:
            raise EngineError(Reason.PROMPT_RUN_TOO_LONG.failure(count=longest, most=most))
        return self._large_stack.run(lambda: self._tokenize(text, add_special, parse_special))

    def _tokenize(self, text: str, add_special: bool, parse_special: bool) -> list[int]:
        data = text.encode()
        room = len(data) + 8
        array = (lib.llama_token * room)()
        count = lib.llama_tokenize(self.vocab, data, len(data), array, room, add_special, parse_special)
        if count < 0:
            array = (lib.llama_token * -count)()
            count = lib.llama_tokenize(self.vocab, data, len(data), array, -count, add_special, parse_special)
        return list(array[:count])

    def piece(self, token: int) -> bytes:
        """The bytes of one token's text; a control token has none."""
        special = self._is_text(token)
        count = lib.llama_token_to_piece(self.vocab, token, self._piece, PIECE_BYTES, 0, special)
        if count < 0:
            buffer = ctypes.create_string_buffer(-count)
            count = lib.llama_token_to_piece(self.vocab, token, buffer, -count, 0, special)
            return buffer.raw[:count]
        return self._piece.raw[:count]

    def token_text(self, token: int) -> str:
        """A token as the vocabulary writes it, control tokens too; empty for none."""
        if token < 0:
            return ""
        text: bytes = lib.llama_vocab_get_text(self.vocab, token)
        return text.decode("utf-8", "replace")

    def is_end(self, token: int) -> bool:
        """Whether the model says with this token that it has ended."""
        return bool(lib.llama_vocab_is_eog(self.vocab, token)) and not self._is_text(token)

    def _is_text(self, token: int) -> bool:
        """Whether llama.cpp took a token for a control token only because its text looks like one.

        For example, ``</s>`` is an HTML tag in the vocabularies of Gemma 3 and Qwen 2.
        """
        attributes = lib.llama_vocab_get_attr(self.vocab, token)
        is_both = attributes & lib.LLAMA_TOKEN_ATTR_CONTROL and attributes & _TEXT_ATTRIBUTES
        return bool(is_both) and token not in self._file_ends

    def chat_template(self) -> str:
        """The template of the file, or empty."""
        text: bytes | None = lib.llama_model_chat_template(self._model, None)
        return text.decode("utf-8", "replace") if text else ""

    def free(self) -> None:
        """Give everything back."""
        lib.llama_free(self._context)
        lib.llama_model_free(self._model)

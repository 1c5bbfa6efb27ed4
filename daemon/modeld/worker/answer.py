"""One generation: from a prompt to the text that follows, sent piece by piece."""

import codecs
import time

from modeld.protocol.reasons import Reason
from modeld.protocol.views import Generation
from modeld.protocol.workers import Activity, Answer, Answered, AnyNews, Piece, Refused, TaskFailed
from modeld.worker import template
from modeld.worker.daemon_link import Link
from modeld.worker.engine import Engine, EngineError, StoppedError

FLUSH_S = 0.04
"""Least time between two pieces after the first: text at 25 pieces a second looks continuous and costs little."""


def prompt_tokens(engine: Engine, link: Link, order: Answer) -> list[int]:
    """The tokens of an order's prompt; a conversation goes through the model's own template.

    Raises:
        template.TemplateError: the template failed.
        EngineError: the prompt cannot be tokenized.
    """
    if not order.messages:
        link.begin_activity(Activity.PREFILL)
        return engine.tokenize(order.prompt, add_special=True, parse_special=False)
    from modeld.worker.native import lib

    bos = engine.token_text(lib.llama_vocab_bos(engine.vocab))
    eos = engine.token_text(lib.llama_vocab_eos(engine.vocab))
    link.begin_activity(Activity.TEMPLATE)
    text = template.render(engine.chat_template(), order.messages, bos, eos)
    link.begin_activity(Activity.PREFILL)
    return engine.tokenize(text, add_special=not (bos and text.startswith(bos)), parse_special=True)


class Text:
    """Text as it grows from bytes: UTF-8 is never cut, and a stop text is never shown, not even its beginning."""

    def __init__(self, stops: list[str]) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = stops
        self.whole = ""
        self.shown = 0
        self.stopped = False

    def add(self, data: bytes, final: bool = False) -> None:
        """Take in the bytes of a token; after a stop text there is nothing more to take in."""
        if self.stopped:
            return
        self.whole += self._decoder.decode(data, final)
        found = [at for stop in self._stops if (at := self.whole.find(stop, max(0, self.shown - len(stop)))) >= 0]
        if found:
            self.whole = self.whole[: min(found)]
            self.stopped = True

    def fresh(self, final: bool = False) -> str:
        """The text not shown yet, less what may be the beginning of a stop text."""
        end = len(self.whole)
        if not final and not self.stopped:
            end -= max((_overlap(self.whole, stop) for stop in self._stops), default=0)
        text = self.whole[self.shown : end]
        self.shown = max(self.shown, end)
        return text


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of ``text`` are a beginning of ``stop``."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)


class Answering:
    """Does one ``Answer`` order."""

    def __init__(self, engine: Engine, link: Link, model: str, order: Answer) -> None:
        self._engine = engine
        self._link = link
        self._model = model
        self._order = order
        self._text = Text(order.sampling.stop)
        self._count = 0
        self._steps = 0
        self._told = 0.0

    def run(self) -> AnyNews:
        """Generate; the news that ends the task."""
        task = self._order.task
        try:
            prompt = prompt_tokens(self._engine, self._link, self._order)
        except (template.TemplateError, EngineError) as error:
            return TaskFailed(task=task, failure=error.failure)
        if not prompt:
            return TaskFailed(task=task, failure=Reason.PROMPT_EMPTY.failure())
        if len(prompt) >= self._engine.context_size:
            return Refused(task=task, prompt_tokens=len(prompt), context_size=self._engine.context_size)
        try:
            return self._generate(prompt)
        except EngineError as error:
            self._engine.clear()
            return TaskFailed(task=task, failure=error.failure)

    def _generate(self, prompt: list[int]) -> Answered:
        engine = self._engine
        # A seed promises the same answer again.
        cached = engine.keep_prefix(prompt, whole_batches=self._order.sampling.seed is not None)
        began = time.perf_counter()
        first = prefilled = began
        finish = "cancelled"
        try:
            for start in range(cached, len(prompt), engine.batch_size):
                engine.decode_many(prompt[start : start + engine.batch_size], self._link.stopping)
                self._say("")
                if self._link.stopping():
                    raise StoppedError
            engine.finish_computing()
            first = prefilled = time.perf_counter()
            self._link.begin_activity(Activity.DECODE)
            with engine.sampler(self._order.sampling, prompt) as sampler:
                finish = self._decode(sampler)
            engine.finish_computing()
        except StoppedError:
            engine.finish_computing()
            if not self._count:
                prefilled = time.perf_counter()
        ended = time.perf_counter()
        self._text.add(b"", final=True)
        self._say(self._text.fresh(final=True))
        return Answered(
            task=self._order.task,
            generation=Generation(
                model=self._model,
                text=self._text.whole,
                finish=finish,
                prompt_tokens=len(prompt),
                cached_tokens=cached,
                completion_tokens=self._count,
                prefill_ms=(prefilled - began) * 1e3,
                decode_ms=(ended - prefilled) * 1e3,
                first_token_ms=(first - began) * 1e3,
                context_used=engine.context_used(),
                context_size=engine.context_size,
                decode_steps=self._steps,
            ),
        )

    def _decode(self, sampler: object) -> str:
        """Token after token until the end; returns how it came."""
        engine, limit = self._engine, self._order.max_tokens
        seeded = self._order.sampling.seed is not None
        if seeded:
            engine.use_all_cores()
        while True:
            token = engine.sample(sampler)
            if engine.is_end(token):
                return "stop"
            self._count += 1
            self._text.add(engine.piece(token))
            if self._text.stopped:
                return "stop"
            self._say_soon()
            if limit and self._count >= limit:
                return "length"
            if len(engine.tokens) >= engine.context_size:
                return "context_full"
            if not seeded:
                engine.share_cores()
            engine.decode_one(token)
            self._steps += 1
            if self._link.stopping():
                return "cancelled"

    def _say_soon(self) -> None:
        now = time.perf_counter()
        if self._count == 1 or now - self._told >= FLUSH_S:
            self._told = now
            self._say(self._text.fresh())

    def _say(self, text: str) -> None:
        self._link.say(
            Piece(
                task=self._order.task,
                text=text,
                completion_tokens=self._count,
                context_used=self._engine.context_used(),
            )
        )

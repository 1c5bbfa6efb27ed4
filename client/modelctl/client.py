"""The daemon as a Python object: one method per request, typed, synchronous, usable from any thread.

    from modelctl import Client

    client = Client()
    client.load("smollm2")
    print(client.chat("smollm2", [Message(role="user", content="Hello")]).text)

Every method raises ``modelctl.errors.ModeldError``; its subclasses tell the kinds apart. ``DaemonUnavailable`` means
that no daemon answers. Keys are case-insensitive.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self, TypeVar

from modeld import places as modeld_places
from modeld.protocol import replies, requests, views
from modeld.protocol.requests import Message, Sampling
from modeld.protocol.states import JobState

from modelctl import errors
from modelctl.transport.transport import ANSWER_S, Events, Stream, Transport, new_id

if TYPE_CHECKING:
    from modelctl.follow import Mirror

__all__ = ["Client", "GenerationStream", "Message", "Sampling"]

Jobs = list[views.JobView]
Models = list[views.ModelView]
"""Named here, since ``list`` is a method below."""

SOURCES = ("hf:", "https://", "http://")
"""What a download's source begins with, so that it is no key."""

NETWORK_S = 60.0
"""How long an answer may take for which the daemon asks a hub, or looks through folders."""

_R = TypeVar("_R", bound=replies.Result)


class GenerationStream:
    """A generation as it happens: iterate over its chunks; ``generation`` is set when they have ended.

    Leaving the ``with`` block, or ``close``, cancels what still runs.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._generation: views.Generation | None = None

    def __iter__(self) -> Iterator[replies.Chunk]:
        for answer in self._stream:
            if isinstance(answer, replies.Chunk):
                yield answer
            else:
                self._generation = _expected(answer, replies.Generated).generation

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def generation(self) -> views.Generation:
        """How it ended; chunks that were not read yet are passed over."""
        if self._generation is None:
            for _ in self:
                continue
        if self._generation is None:
            raise RuntimeError("the stream was closed before its generation ended")
        return self._generation

    def cancel(self) -> None:
        """Ask the daemon to stop; what there is still comes, with ``finish`` "cancelled"."""
        self._stream.cancel()

    def stop(self) -> None:
        """As ``cancel``, from another thread than the one that iterates."""
        self._stream.stop()

    def close(self) -> None:
        """Stop listening and cancel what still runs."""
        self._stream.close()


class Client:
    """A client of the daemon of one home (``places``; this user's own unless given), or of another machine's.

    ``host`` is a name out of ``hosts.toml`` (``modelctl hosts add``).
    """

    def __init__(
        self, places: modeld_places.Places | None = None, *, host: str = "", timeout_s: float = ANSWER_S
    ) -> None:
        self.transport = Transport(places, host)
        self._timeout_s = timeout_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the sockets; calls in other threads must have ended."""
        self.transport.close()

    @property
    def link(self) -> Transport:
        """The former name of ``transport``; programs may still use it."""
        return self.transport

    # The daemon

    def ping(self) -> replies.Pong:
        """Whether the daemon is there, and which one it is."""
        return self._ask(requests.Ping(id=new_id()), replies.Pong)

    def snapshot(self) -> views.Snapshot:
        """Everything at one moment."""
        return self._ask(requests.Snapshot(id=new_id()), replies.Snapshot).snapshot

    def status(self) -> replies.Status:
        """The daemon, the machine's memory, what is loaded and what runs."""
        return self._ask(requests.Status(id=new_id()), replies.Status)

    def shutdown(self) -> replies.Result:
        """Ask the daemon to stop in order; it answers before it has."""
        return self._ask(requests.Shutdown(id=new_id()), replies.Result)

    # Models

    def list(self) -> Models:
        """All models."""
        return self._ask(requests.List(id=new_id()), replies.Models).models

    def show(self, model: str, *, look: bool = False) -> views.ModelView:
        """One model; with ``look`` the header of one that is elsewhere is read first, so that ``fits`` is known."""
        return self.look(model).model if look else self._ask(_show(model), replies.Model).model

    def look(self, model: str) -> replies.Model:
        """As ``show`` with ``look``; the answer's ``note`` says why nothing could be read."""
        return self._ask(_show(model, look=True), replies.Model, timeout_s=NETWORK_S)

    def add(
        self, model: str, source: str, *, display_name: str = "", description: str = "", sha256: str = ""
    ) -> replies.Model:
        """Add a model from an https URL, ``hf:org/repo:Q4_K_M`` or the absolute path of a GGUF file (used in place)."""
        request = requests.Add(
            id=new_id(),
            model=_key(model),
            source=source,
            display_name=display_name,
            description=description,
            sha256=sha256,
        )
        return self._ask(request, replies.Model)

    def remove(self, model: str, *, keep_file: bool = False) -> replies.Result:
        """Remove exactly this model, and its file unless ``keep_file``."""
        return self._ask(requests.Remove(id=new_id(), model=_key(model), keep_file=keep_file), replies.Result)

    # The hub, and other programs' folders

    def files(self, repo: str) -> replies.Files:
        """The GGUF models of a hub's repository (``hf:org/repo``), and whether each fits this machine."""
        return self._ask(requests.Files(id=new_id(), repo=repo), replies.Files, timeout_s=NETWORK_S)

    def search(self, words: str, *, limit: int = 20, cursor: str = "") -> replies.Repositories:
        """Repositories with GGUF files, the most downloaded first; ``cursor`` is the ``next`` of an answer before."""
        request = requests.Search(id=new_id(), words=words, limit=limit, cursor=cursor)
        return self._ask(request, replies.Repositories, timeout_s=NETWORK_S)

    def scan(self, add: Sequence[str] = (), *, all_models: bool = False) -> replies.Found:
        """Models in the folders of other programs; those in ``add`` (or all) are used where they lie from now on."""
        request = requests.Scan(id=new_id(), add=[*add], all=all_models)
        return self._ask(request, replies.Found, timeout_s=NETWORK_S)

    # Jobs

    def pull(self, model: str, *, wait: bool = False, look: bool = False) -> views.JobView:
        """Download a model; with ``wait`` return when it is there, and raise what it failed of.

        ``model`` may be a source too (``hf:org/repo:Q4_K_M``): it is added first. With ``look`` the header of a file at
        a URL is read before its download, as it always is of one on a hub.
        """
        request = requests.Pull(id=new_id(), model=_key(model), wait=wait, look=look)
        return self._jobs(request, wait)[0]

    def benchmark(
        self,
        models: Sequence[str] = (),
        *,
        all_models: bool = False,
        repetitions: int = 3,
        max_tokens: int = 128,
        wait: bool = False,
    ) -> Jobs:
        """Benchmark models, a job each; with ``wait`` return when all have ended, and raise what one failed of."""
        request = requests.Benchmark(
            id=new_id(),
            models=[_key(model) for model in models],
            all=all_models,
            repetitions=repetitions,
            max_tokens=max_tokens,
            wait=wait,
        )
        return self._jobs(request, wait)

    def jobs(self, model: str = "") -> Jobs:
        """The jobs, oldest first; ``model`` narrows."""
        return self._ask(requests.Jobs(id=new_id(), model=_key(model)), replies.Jobs).jobs

    def cancel(self, *, job: str = "", model: str = "", keep: bool = True) -> replies.Result:
        """Cancel a job by id or a model's running job; ``keep`` leaves a partial file for a later resume."""
        return self._ask(requests.Cancel(id=new_id(), job=job, model=_key(model), keep=keep), replies.Result)

    def pause(self, *, job: str = "", model: str = "") -> Jobs:
        """Hold a download by job id or by model, or all with neither; returns the jobs that are held now."""
        return self._ask(requests.Pause(id=new_id(), job=job, model=_key(model)), replies.Jobs).jobs

    def resume(self, *, job: str = "", model: str = "") -> Jobs:
        """Let held downloads go on, one or all; returns the jobs that were resumed."""
        return self._ask(requests.Resume(id=new_id(), job=job, model=_key(model)), replies.Jobs).jobs

    def move(self, place: int, *, job: str = "", model: str = "") -> Jobs:
        """Give a download another place among those that have not ended (1 is the first); returns them in order."""
        return self._ask(requests.Move(id=new_id(), job=job, model=_key(model), place=place), replies.Jobs).jobs

    def limit(self, bytes_per_s: int, *, job: str = "", model: str = "") -> Jobs:
        """Bound the speed of one download, or of all together with neither; 0 lifts the bound."""
        request = requests.Limit(id=new_id(), bytes_per_s=bytes_per_s, job=job, model=_key(model))
        return self._ask(request, replies.Jobs).jobs

    # Memory

    def load(
        self,
        model: str,
        *,
        context_size: int = 0,
        gpu_layers: int | None = None,
        threads: int = 0,
        wait: bool = True,
    ) -> replies.Model:
        """Load a model; with ``wait`` return when it can answer. Zero and None mean the setting's value."""
        request = requests.Load(
            id=new_id(),
            model=_key(model),
            context_size=context_size,
            gpu_layers=gpu_layers,
            threads=threads,
            wait=wait,
        )
        return self._ask(request, replies.Model, wait=wait)

    def unload(self, model: str = "", *, wait: bool = True) -> replies.Result:
        """Unload a model, or all without one; with ``wait`` return when the memory is free."""
        return self._ask(requests.Unload(id=new_id(), model=_key(model), wait=wait), replies.Result, wait=wait)

    def pin(self, model: str, pinned: bool = True) -> replies.Result:
        """Keep a model loaded (never evicted, never idle-unloaded), or stop doing so."""
        return self._ask(requests.Pin(id=new_id(), model=_key(model), pinned=pinned), replies.Result)

    # Generation

    def generate(
        self, model: str, prompt: str, *, max_tokens: int = 0, sampling: Sampling | None = None
    ) -> views.Generation:
        """Continue ``prompt`` as it stands (no template); loads the model if needed."""
        request = _generate(model, prompt, max_tokens, sampling, stream=False)
        return self._ask(request, replies.Generated, wait=True).generation

    def chat(
        self, model: str, messages: Sequence[Message], *, max_tokens: int = 0, sampling: Sampling | None = None
    ) -> views.Generation:
        """Answer a conversation through the model's chat template; loads the model if needed."""
        request = _chat(model, messages, max_tokens, sampling, stream=False)
        return self._ask(request, replies.Generated, wait=True).generation

    def stream_generate(
        self, model: str, prompt: str, *, max_tokens: int = 0, sampling: Sampling | None = None
    ) -> GenerationStream:
        """As ``generate``, piece by piece."""
        return GenerationStream(self.transport.stream(_generate(model, prompt, max_tokens, sampling, stream=True)))

    def stream_chat(
        self, model: str, messages: Sequence[Message], *, max_tokens: int = 0, sampling: Sampling | None = None
    ) -> GenerationStream:
        """As ``chat``, piece by piece."""
        return GenerationStream(self.transport.stream(_chat(model, messages, max_tokens, sampling, stream=True)))

    # Benchmarks

    def results(self, model: str, limit: int = 10) -> views.History:
        """A model's benchmark history, at most the newest ``limit``."""
        return self._ask(requests.Results(id=new_id(), model=_key(model), limit=limit), replies.History).history

    def compare(self, models: Sequence[str] = ()) -> views.Comparison:
        """The newest result of each benchmarked model (or of ``models``), fastest first."""
        request = requests.Compare(id=new_id(), models=[_key(model) for model in models])
        return self._ask(request, replies.Comparison).comparison

    # Backups

    def backup(self) -> views.Backup:
        """What was set, added and measured."""
        return self._ask(requests.Backup(id=new_id()), replies.Backup).backup

    def restore(self, backup: views.Backup, results: Sequence[views.BenchmarkResult] = ()) -> replies.Restored:
        """Merge a backup, and records of ``model_benchmarks.json``; what the daemon has already stays."""
        from modelctl import backups

        done = replies.Restored()
        for part in backups.parts(backup, results):
            done = backups.sum_of(done, self._ask(part, replies.Restored))
        return done

    # Events

    def events(self, *topics: str) -> Events:
        """The events whose topic begins with one of ``topics`` (all without any), with heartbeats in between."""
        return self.transport.events(topics or ("",))

    def follow(self) -> "Mirror":
        """What the daemon shows, kept fresh while it is iterated over."""
        from modelctl.follow import Mirror

        return Mirror(self.transport)

    def _ask(
        self, request: requests.Request, kind: type[_R], *, wait: bool = False, timeout_s: float | None = None
    ) -> _R:
        patience = max(timeout_s or 0.0, self._timeout_s)
        return _expected(self.transport.request(request, None if wait else patience), kind)

    def _jobs(self, request: requests.Request, wait: bool) -> Jobs:
        jobs = self._ask(request, replies.Jobs, wait=wait).jobs
        for job in jobs if wait else ():
            if job.failure is not None and job.state is not JobState.DONE:
                raise errors.of(job.failure)
        return jobs


def _expected(result: object, kind: type[_R]) -> _R:
    """``result`` as the kind the protocol promises; a daemon that breaks the promise is a bug and raises."""
    if not isinstance(result, kind):
        raise TypeError(f"the daemon answered {type(result).__name__} where {kind.__name__} was promised")
    return result


def _key(model: str) -> str:
    """A key in any case; a source is handed on as it is."""
    return model if model.startswith(SOURCES) else model.lower()


def _show(model: str, *, look: bool = False) -> requests.Show:
    return requests.Show(id=new_id(), model=_key(model), look=look)


def _generate(
    model: str, prompt: str, max_tokens: int, sampling: Sampling | None, *, stream: bool
) -> requests.Generate:
    return requests.Generate(
        id=new_id(),
        model=_key(model),
        prompt=prompt,
        max_tokens=max_tokens,
        sampling=sampling or Sampling(),
        stream=stream,
    )


def _chat(
    model: str, messages: Sequence[Message], max_tokens: int, sampling: Sampling | None, *, stream: bool
) -> requests.Chat:
    return requests.Chat(
        id=new_id(),
        model=_key(model),
        messages=[*messages],
        max_tokens=max_tokens,
        sampling=sampling or Sampling(),
        stream=stream,
    )

"""The Python client: one method per request, typed, synchronous, usable from any thread.

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
"""An alias, since ``list`` is a method below."""

SOURCES = ("hf:", "https://", "http://")
"""The prefixes that tell a source from a key."""

NETWORK_S = 60.0
"""The deadline for requests that make the daemon ask a hub or search folders."""

_R = TypeVar("_R", bound=replies.Result)


class GenerationStream:
    """A running generation: iterate over its chunks; ``generation`` is set once they have ended.

    Leaving the ``with`` block, or calling ``close``, cancels it if it still runs.
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
        """The final result; reads and drops any unread chunks."""
        if self._generation is None:
            for _ in self:
                continue
        if self._generation is None:
            raise RuntimeError("the stream was closed before its generation ended")
        return self._generation

    def cancel(self) -> None:
        """Ask the daemon to stop; the remaining chunks follow, and ``finish`` is "cancelled"."""
        self._stream.cancel()

    def stop(self) -> None:
        """Like ``cancel``, but from another thread than the iterating one."""
        self._stream.stop()

    def close(self) -> None:
        """Stop reading, and cancel the generation if it still runs."""
        self._stream.close()


class Client:
    """A client of the daemon of one home (``places``; this user's own by default), or of another machine's.

    ``host`` is a name from ``hosts.toml`` (``modelctl hosts add``).
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
        """Close the sockets; calls in other threads must have ended."""
        self.transport.close()

    @property
    def link(self) -> Transport:
        """The former name of ``transport``; programs may still use it."""
        return self.transport

    # The daemon

    def ping(self) -> replies.Pong:
        """Check that the daemon answers, and return its identity."""
        return self._ask(requests.Ping(id=new_id()), replies.Pong)

    def snapshot(self) -> views.Snapshot:
        """All models, jobs and system figures at one moment."""
        return self._ask(requests.Snapshot(id=new_id()), replies.Snapshot).snapshot

    def status(self) -> replies.Status:
        """The daemon, the machine's memory, the loaded models and the running jobs."""
        return self._ask(requests.Status(id=new_id()), replies.Status)

    def shutdown(self) -> replies.Result:
        """Ask the daemon to stop cleanly; it answers before it has stopped."""
        return self._ask(requests.Shutdown(id=new_id()), replies.Result)

    # Models

    def list(self) -> Models:
        """All models."""
        return self._ask(requests.List(id=new_id()), replies.Models).models

    def show(self, model: str, *, look: bool = False) -> views.ModelView:
        """One model; with ``look``, the header of a remote file is read first, so that ``fits`` is known."""
        return self.look(model).model if look else self._ask(_show(model), replies.Model).model

    def look(self, model: str) -> replies.Model:
        """Like ``show`` with ``look``; the answer's ``note`` says why the header could not be read."""
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
        """Repositories with GGUF files, most downloaded first; ``cursor`` is the ``next`` of an earlier answer."""
        request = requests.Search(id=new_id(), words=words, limit=limit, cursor=cursor)
        return self._ask(request, replies.Repositories, timeout_s=NETWORK_S)

    def scan(self, add: Sequence[str] = (), *, all_models: bool = False) -> replies.Found:
        """Models in the folders of other programs; those in ``add`` (or all) are added and used in place."""
        request = requests.Scan(id=new_id(), add=[*add], all=all_models)
        return self._ask(request, replies.Found, timeout_s=NETWORK_S)

    # Jobs

    def pull(self, model: str, *, wait: bool = False, look: bool = False) -> views.JobView:
        """Download a model; with ``wait``, return once its file is complete, and raise the failure if it failed.

        ``model`` may also be a source (``hf:org/repo:Q4_K_M``), which is added first. With ``look``, the daemon reads
        the header of a file at a URL before its download, as it always does for a file on a hub.
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
        """Benchmark models, one job each; with ``wait``, return once all have ended, and raise the first failure."""
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
        """The jobs, oldest first; ``model`` selects those of one model."""
        return self._ask(requests.Jobs(id=new_id(), model=_key(model)), replies.Jobs).jobs

    def clear_jobs(self, model: str = "") -> Jobs:
        """Forget the ended jobs, or those of one model; returns the forgotten jobs."""
        return self._ask(requests.ClearJobs(id=new_id(), model=_key(model)), replies.Jobs).jobs

    def cancel(self, *, job: str = "", model: str = "", keep: bool = True) -> replies.Result:
        """Cancel a job by its id, or a model's running job; ``keep`` keeps the partial file for a resume."""
        return self._ask(requests.Cancel(id=new_id(), job=job, model=_key(model), keep=keep), replies.Result)

    def pause(self, *, job: str = "", model: str = "") -> Jobs:
        """Pause a download by job id or by model, or all of them; returns the paused jobs."""
        return self._ask(requests.Pause(id=new_id(), job=job, model=_key(model)), replies.Jobs).jobs

    def resume(self, *, job: str = "", model: str = "") -> Jobs:
        """Resume one or all paused downloads; returns the resumed jobs."""
        return self._ask(requests.Resume(id=new_id(), job=job, model=_key(model)), replies.Jobs).jobs

    def move(self, place: int, *, job: str = "", model: str = "") -> Jobs:
        """Move a download to another place in the queue (1 is first); returns the queue in order."""
        return self._ask(requests.Move(id=new_id(), job=job, model=_key(model), place=place), replies.Jobs).jobs

    def limit(self, bytes_per_s: int, *, job: str = "", model: str = "") -> Jobs:
        """Limit the speed of one download, or of all together; 0 means no limit."""
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
        """Load a model; with ``wait``, return once it can answer. Zero and None mean the setting's value."""
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
        """Unload one model, or all of them; with ``wait``, return once the memory is free."""
        return self._ask(requests.Unload(id=new_id(), model=_key(model), wait=wait), replies.Result, wait=wait)

    def pin(self, model: str, pinned: bool = True) -> replies.Result:
        """Pin a model (never evicted, never unloaded when idle), or unpin it."""
        return self._ask(requests.Pin(id=new_id(), model=_key(model), pinned=pinned), replies.Result)

    # Generation

    def generate(
        self, model: str, prompt: str, *, max_tokens: int = 0, sampling: Sampling | None = None
    ) -> views.Generation:
        """Continue ``prompt`` as is (no template); loads the model if needed."""
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
        """Like ``generate``, in chunks."""
        return GenerationStream(self.transport.stream(_generate(model, prompt, max_tokens, sampling, stream=True)))

    def stream_chat(
        self, model: str, messages: Sequence[Message], *, max_tokens: int = 0, sampling: Sampling | None = None
    ) -> GenerationStream:
        """Like ``chat``, in chunks."""
        return GenerationStream(self.transport.stream(_chat(model, messages, max_tokens, sampling, stream=True)))

    # Benchmarks

    def results(self, model: str, limit: int = 10) -> views.History:
        """A model's benchmark history: at most the newest ``limit`` results."""
        return self._ask(requests.Results(id=new_id(), model=_key(model), limit=limit), replies.History).history

    def compare(self, models: Sequence[str] = ()) -> views.Comparison:
        """The newest result of each benchmarked model (or of ``models``), fastest first."""
        request = requests.Compare(id=new_id(), models=[_key(model) for model in models])
        return self._ask(request, replies.Comparison).comparison

    # Backups

    def backup(self) -> views.Backup:
        """The settings, added models and benchmark results."""
        return self._ask(requests.Backup(id=new_id()), replies.Backup).backup

    def restore(
        self, backup: views.Backup, results: Sequence[views.BenchmarkResult] = (), *, trust_settings: bool = False
    ) -> replies.Restored:
        """Merge a backup, and records of ``model_benchmarks.json``; existing data is kept.

        Settings with an address, a folder, a permission or a limit on clients are held back unless ``trust_settings``.
        """
        from modelctl import backups

        done = replies.Restored()
        for part in backups.parts(backup, results, trust_settings=trust_settings):
            done = backups.sum_of(done, self._ask(part, replies.Restored))
        return done

    # Events

    def events(self, *topics: str) -> Events:
        """Events whose topic starts with one of ``topics`` (default: all), with heartbeats in between."""
        return self.transport.events(topics or ("",))

    def follow(self) -> "Mirror":
        """A mirror of the daemon's state that is updated while you iterate over it."""
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
    """``result`` as the type that the protocol promises; raises if the daemon sent another type."""
    if not isinstance(result, kind):
        raise TypeError(f"the daemon answered {type(result).__name__} where {kind.__name__} was promised")
    return result


def _key(model: str) -> str:
    """A key in any case becomes lower case; a source stays unchanged."""
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

"""Lookups at a hub: what a source means, what a repository holds, what a search finds, and what would fit."""

from collections.abc import Callable
from dataclasses import dataclass

from modeld.core.downloads import repository, source
from modeld.core.downloads.repository import Bundle
from modeld.core.downloads.source import HubSource
from modeld.core.effects import ListRepository, ReadRemote, SearchHub
from modeld.core.facts import HubSearched, LookupFailed, RemoteRead, RepositoryListed
from modeld.core.memory import fit
from modeld.core.memory.context import context_size
from modeld.core.models import kinds
from modeld.core.state.jobs import Job
from modeld.core.state.model import Model, Part
from modeld.core.state.outbox import Outbox
from modeld.core.state.state import State
from modeld.core.state.task import Ticket
from modeld.core.state.undo import Tracked
from modeld.protocol import replies, requests, views
from modeld.protocol.errors import Failure, Note
from modeld.protocol.reasons import Reason
from modeld.protocol.states import HAS_FILE

MOST_FOUND = 100
"""Repositories in one answer to a search."""

Answer = RepositoryListed | RemoteRead | HubSearched | LookupFailed


@dataclass(frozen=True)
class Resolved:
    """What a source means now: its files, the first one's header, and the disk space."""

    url: str
    parts: tuple[Part, ...]
    commit: str
    size_bytes: int
    header: views.HeaderView | None
    disk_free: int
    taken_bytes: int
    why: Failure | None = None

    @property
    def missing_bytes(self) -> int:
        """What is still to be downloaded."""
        return max(0, self.size_bytes - self.taken_bytes)


Then = Callable[[Resolved | Failure], None]


@dataclass(frozen=True)
class Pending:
    """What to do with the result of a lookup, and the request or the download that waits for it."""

    go_on: Callable[[Answer], None]
    owner: Ticket | Job


class HubLookups(Tracked):
    """The lookups that have not ended, and what to do with each result."""

    def __init__(self, state: State, outbox: Outbox) -> None:
        self._state, self._outbox = state, outbox
        self._out: dict[int, Pending] = {}
        self._numbers = 0
        self.on_stopped: Callable[[Job], None] = self.give_up
        """Called for a download that was stopped while the result of its lookup was on its way."""

    def on_result(self, fact: Answer) -> None:
        """Continue with the result of a lookup; the result of a cancelled one is dropped."""
        pending = self._out.pop(fact.lookup, None)
        if pending is not None:
            pending.go_on(fact)

    def forget(self, lookup: int) -> Ticket | Job | None:
        """Forget a lookup whose result could not be handled; returns who waits for it."""
        pending = self._out.pop(lookup, None)
        return pending.owner if pending is not None else None

    def give_up(self, job: Job) -> None:
        """Forget the lookup of a download that has stopped."""
        self._out.pop(job.lookup, None)
        job.lookup = 0

    def _send(self, go_on: Callable[[Answer], None], owner: Ticket | Job) -> int:
        job = owner if isinstance(owner, Job) else None

        def unless_stopped(answer: Answer) -> None:
            if job is not None and (job.stopping or job.pausing or self._state.stopping):
                self.on_stopped(job)  # the stop and the result crossed
            else:
                go_on(answer)

        self._numbers += 1
        self._out[self._numbers] = Pending(unless_stopped, owner)
        if job is not None:
            job.lookup = self._numbers
        return self._numbers

    # -- what a source means -------------------------------------------------------------------------------------

    def resolve(self, model: Model, then: Then, owner: Ticket | Job) -> None:
        """Find out which files a model's source means, and read the first one's header; ``then`` gets the outcome.

        The lookup of a job retries while the hub is unreachable or busy.
        """
        origin = source.parse(model.spec.source, self._state.settings.allow_http)
        if isinstance(origin, Failure):
            then(origin)
        elif origin.hub is not None:
            self._list(origin.hub, model, then, owner)
        else:
            part = Part(path="", file_name=model.spec.file_name, size_bytes=model.spec.size_bytes)
            self._read(origin.url, (part,), then, owner)

    def _list(self, hub: HubSource, model: Model, then: Then, owner: Ticket | Job) -> None:
        def listed(answer: Answer) -> None:
            if not isinstance(answer, RepositoryListed):
                then(_failure(answer))
                return
            chosen = repository.choose(answer.files, hub, self._state.system.memory_total)
            parts = chosen if isinstance(chosen, Failure) else self._parts(model, chosen)
            if isinstance(parts, Failure):
                then(parts)
                return
            url = source.download_url(self._state.settings.hub_endpoint, hub.repo, hub.revision, parts[0].path)
            self._read(url, parts, then, owner)

        job = owner if isinstance(owner, Job) else None
        lookup = self._send(listed, owner)
        self._outbox.do(
            ListRepository(
                lookup=lookup,
                repo=hub.repo,
                revision=hub.revision,
                job=job.id if job else "",
                run=job.run if job else 0,
            )
        )

    def _parts(self, model: Model, chosen: Bundle) -> tuple[Part, ...] | Failure:
        """The files with their names on disk: their own, or prefixed with the key if another model uses that name."""
        names = [file.path.rsplit("/", 1)[-1] for file in chosen.files]
        for name in names:
            refused = source.refuse_name(name, name)
            if refused is not None:
                return refused
        others = self._state.models.values()
        taken = {name.lower() for other in others if other is not model for name in other.spec.file_names}
        own = f"{model.key}--"
        if any(name.lower() in taken for name in names) or model.spec.file_name == own + names[0]:
            names = [own + name for name in names]
        return tuple(
            Part(path=file.path, file_name=name, size_bytes=file.size_bytes, sha256=file.sha256)
            for file, name in zip(chosen.files, names, strict=True)
        )

    def _read(self, url: str, parts: tuple[Part, ...], then: Then, owner: Ticket | Job) -> None:
        def read(answer: Answer) -> None:
            if not isinstance(answer, RemoteRead):
                then(_failure(answer))
                return
            size = sum(part.size_bytes for part in parts) if parts[0].path else answer.size_bytes
            then(
                Resolved(
                    url=url,
                    parts=parts,
                    commit=answer.commit,
                    size_bytes=size,
                    header=answer.header,
                    disk_free=answer.disk_free,
                    taken_bytes=answer.taken_bytes,
                    why=answer.why,
                )
            )

        job = owner if isinstance(owner, Job) else None
        lookup = self._send(read, owner)
        self._outbox.do(
            ReadRemote(
                lookup=lookup,
                url=url,
                size_bytes=parts[0].size_bytes,
                file_names=[part.file_name for part in parts],
                job=job.id if job else "",
                run=job.run if job else 0,
            )
        )

    def learn(self, model: Model, found: Resolved) -> None:
        """Note what a model will need, before it is downloaded."""
        model.remote = found.header
        if found.parts[0].path:
            model.expect(found.size_bytes)
        if found.header is None:
            return
        size = context_size(self._state, model)
        model.fits = fit.estimate(
            found.header,
            found.size_bytes,
            size,
            self._state.system,
            disk_bytes=found.missing_bytes,
            disk_free=found.disk_free,
        )
        model.estimated_bytes = model.fits.memory_bytes

    # -- requests of clients ----------------------------------------------------------------------------------------

    def show(self, ticket: Ticket, model: Model) -> None:
        """Answer with a model that is not downloaded, after reading its header at the source; a failure is a note."""

        def then(found: Resolved | Failure) -> None:
            why = found if isinstance(found, Failure) else found.why or kinds.refusal(found.header)
            if self._state.models.get(model.key) is not model:
                self._outbox.refuse(ticket, Reason.MODEL_REMOVED_MEANWHILE, key=model.key)
                return
            if isinstance(found, Resolved) and model.state not in HAS_FILE:
                self.learn(model, found)
                self._outbox.publish_model(model)
            self._outbox.answer(ticket, replies.Model(model=model.view(), note=_english(why), notes=_notes(why)))

        self.resolve(model, then, ticket)

    def files(self, ticket: Ticket, request: requests.Files) -> None:
        """Answer with the models of a repository, and whether each would fit."""
        state, outbox = self._state, self._outbox
        origin = source.parse(request.repo, state.settings.allow_http)
        hub = origin.hub if isinstance(origin, source.ModelSource) else None
        if hub is None:
            outbox.refuse(ticket, Reason.NOT_A_REPOSITORY, repo=request.repo)
            return

        def listed(answer: Answer) -> None:
            if not isinstance(answer, RepositoryListed):
                outbox.answer(ticket, _failure(answer))
                return
            there = tuple(repository.bundles(answer.files))
            if not there:
                chosen = repository.choose(answer.files, hub, 0)
                assert isinstance(chosen, Failure)
                outbox.answer(ticket, chosen)
                return
            best = repository.best(there, state.system.memory_total)
            url = source.download_url(state.settings.hub_endpoint, hub.repo, hub.revision, best.name)
            lookup = self._send(lambda read: self._filed(ticket, hub, there, best, read), ticket)
            outbox.do(ReadRemote(lookup=lookup, url=url, size_bytes=best.files[0].size_bytes))

        lookup = self._send(listed, ticket)
        outbox.do(ListRepository(lookup=lookup, repo=hub.repo, revision=hub.revision))

    def _filed(self, ticket: Ticket, hub: HubSource, there: tuple[Bundle, ...], best: Bundle, answer: Answer) -> None:
        """One header was read; apart from the weights, all models of a repository need the same memory."""
        read = answer if isinstance(answer, RemoteRead) else None
        why = answer.failure if isinstance(answer, LookupFailed) else read.why if read else None
        why = why or kinds.refusal(read.header if read else None)
        files = [_file_view(hub, bundle, self._fit(bundle, read)) for bundle in there]
        found = replies.Files(
            repo=hub.repo,
            commit=read.commit if read else "",
            files=files,
            chosen=best.name,
            note=_english(why),
            notes=_notes(why),
        )
        self._outbox.answer(ticket, found)

    def _fit(self, bundle: Bundle, read: RemoteRead | None) -> views.FitView | None:
        if read is None or read.header is None:
            return None
        trained = read.header.context_length
        wanted = self._state.settings.context_size
        return fit.estimate(
            read.header,
            bundle.size_bytes,
            min(wanted, trained) if trained else wanted,
            self._state.system,
            disk_bytes=bundle.size_bytes,
            disk_free=read.disk_free,
        )

    def search(self, ticket: Ticket, request: requests.Search) -> None:
        """Answer with repositories."""
        outbox = self._outbox
        if not request.words.strip() or not 1 <= request.limit <= MOST_FOUND:
            outbox.refuse(ticket, Reason.SEARCH_INVALID, most=MOST_FOUND)
            return

        def searched(answer: Answer) -> None:
            if isinstance(answer, HubSearched):
                outbox.answer(ticket, replies.Repositories(repositories=answer.repositories, next=answer.next))
            else:
                outbox.answer(ticket, _failure(answer))

        lookup = self._send(searched, ticket)
        words = " ".join(request.words.split())
        outbox.do(SearchHub(lookup=lookup, words=words, limit=request.limit, cursor=request.cursor))


def _file_view(hub: HubSource, bundle: Bundle, fit: views.FitView | None) -> views.RepoFileView:
    at = "" if hub.revision == "main" else f"@{hub.revision}"
    return views.RepoFileView(
        file=bundle.name,
        source=f"hf:{hub.repo}{at}:{bundle.name}",
        quantization=bundle.quantization,
        size_bytes=bundle.size_bytes,
        parts=bundle.parts,
        sha256=bundle.files[0].sha256 if bundle.parts == 1 else "",
        fits=fit,
    )


def _failure(answer: Answer) -> Failure:
    assert isinstance(answer, LookupFailed), answer
    return answer.failure


def _english(why: Failure | None) -> str:
    return f"{why.message} {why.hint}".strip() if why is not None else ""


def _notes(why: Failure | None) -> list[Note]:
    return [why.note()] if why is not None else []

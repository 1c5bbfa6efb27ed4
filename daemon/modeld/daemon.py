"""The composition root: builds the adapters, one inbox, one loop."""

import asyncio
import contextlib
import logging
import os
import signal
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, assert_never

import msgspec
import zmq

from modeld import __version__
from modeld.adapters import catalogue, descriptors, gguf, sd_notify
from modeld.adapters.backups import Backups
from modeld.adapters.endpoint import Limits, Server
from modeld.adapters.external_models import ExternalFolders
from modeld.adapters.files import Files
from modeld.adapters.gpus import Gpus
from modeld.adapters.hub import Hub, find_token
from modeld.adapters.probe import Probe
from modeld.adapters.process_memory import ProcessMemory
from modeld.adapters.store import Committer, Database, Mirror
from modeld.adapters.tray_process import Tray
from modeld.adapters.workers import Workers
from modeld.core import effects, facts
from modeld.core.manager import Manager, Remembered
from modeld.core.state.model import ModelSpec
from modeld.downloader import Pulls
from modeld.http.guard import RedirectPolicy
from modeld.places import Places
from modeld.protocol import views
from modeld.protocol.connection import Connection
from modeld.protocol.errors import Failure
from modeld.protocol.keys import KeyPair, read_pair, write_pair
from modeld.settings import Settings
from modeld.transport import binding
from modeld.transport.zap import LOCAL, AllowedKeys, Gate

_E = TypeVar("_E", bound=effects.AnyEffect)

log = logging.getLogger(__name__)

TICK_S = 1.0
MAX_CONNECTIONS = 4_096
"""At most so many, and a quarter of the process's descriptors: libzmq ends the process when it finds none left.

The rest is for files, downloads and workers, and for connections that libzmq accepts before the daemon can stop it.
"""

STOP_S = 15.0
"""An orderly stop that takes longer than this is cut short."""

INSPECT_S = 10.0
"""A daemon that cannot look at every model's file in this time serves without."""

END_S = 25.0
"""So long after a stop was asked for the process ends, even if a thread hangs in a call (a disk does not answer)."""


class Daemon:
    """One run of the daemon: everything it owns, and the loop."""

    def __init__(self, places: Places, settings: Settings, *, unclean: bool = False) -> None:
        """``unclean``: the daemon before this one had no orderly end."""
        self._places = places
        self._unclean = unclean
        self._announced = False
        self._settings = settings
        self._models_dir = Path(settings.models_dir).expanduser() if settings.models_dir else places.models_dir
        self._inbox: asyncio.Queue[facts.AnyFact] = asyncio.Queue()
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="files")
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read")

    async def run(self) -> None:
        """Serve until a stop is asked for and everything has ended."""
        loop = asyncio.get_running_loop()
        report = self._inbox.put_nowait
        self._database = Database(self._places.database)
        self._mirror = Mirror(self._places.benchmarks_file, self._database)
        self._backups = Backups(self._places.config_file, self._database)
        manager = self._make_manager()
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(1)
        gate = Gate(context, binding.new_pair(), AllowedKeys(self._places.allowed_keys_file))
        self._server = self._make_server(context, gate, report)
        self._committer = Committer(self._database, self._mirror, self._deliver, report)
        self._workers = Workers(context, self._places.runtime_dir, gate, report)
        self._files = Files(self._models_dir, read_model)
        self._external_folders = ExternalFolders(os.environ, read_model)
        token = find_token(os.environ, self._settings.hub_token)
        redirects = RedirectPolicy(self._settings.allow_http, self._settings.allow_private_redirects)
        self._hub = Hub(
            self._settings.hub_endpoint,
            token,
            self._models_dir,
            read_remote,
            report,
            redirects,
        )
        self._pulls = Pulls(
            self._models_dir,
            self._settings.hub_endpoint,
            token.value,
            read_header,
            report,
            connections=self._settings.download_connections,
            limit=self._settings.download_limit,
            policy=redirects,
        )
        self._probe = Probe(self._places.data_dir, Gpus().sample)
        _on_signal(loop, report, facts.StopAsked())
        tray = Tray()
        ticking = asyncio.create_task(self._tick(report), name="tick")
        try:
            report(self._probe.sample({}))
            if self._settings.tray:
                tray.start()
            await self._serve(manager)
        finally:
            sd_notify.stopping()
            ticking.cancel()
            tray.close()
            self._places.connection_file.unlink(missing_ok=True)
            self._workers.close()
            await self._committer.close()
            self._server.close()
            gate.close()
            self._mirror.close()
            self._reader.shutdown(wait=True)
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._database.close()
            context.term()

    async def _serve(self, manager: Manager) -> None:
        """The loop: a fact in, its effects out.

        The connection file is written once every answer will be true; or after ``INSPECT_S``, since a model's file may
        be on a disk that does not answer.
        """
        for effect in manager.start(time.time(), time.monotonic()):
            self._perform(effect)
        began = time.monotonic()
        while not manager.stopping:
            late = time.monotonic() - began > INSPECT_S
            if (manager.settled or late) and not self._announced:
                self._announced = True
                self._announce()
            await self._handle_next(manager)
        force_end = threading.Timer(END_S, _force_end)
        force_end.daemon = True
        force_end.start()
        try:
            async with asyncio.timeout(STOP_S):
                while not manager.finished:
                    await self._handle_next(manager)
        except TimeoutError:
            log.error("not everything ended within %.0f s; ending what is left", STOP_S)
        for effect in manager.end():
            self._perform(effect)

    async def _handle_next(self, manager: Manager) -> None:
        """Wait for a fact, and do what follows from it."""
        fact = await self._inbox.get()
        for effect in manager.handle(fact, time.time(), time.monotonic()):
            self._perform(effect)

    def _make_server(
        self, context: zmq.Context[zmq.Socket[bytes]], gate: Gate, report: Callable[[facts.AnyFact], None]
    ) -> Server:
        limits = Limits(
            requests_per_s=self._settings.max_requests_per_s,
            open_requests=self._settings.max_open_requests,
            connections=min(MAX_CONNECTIONS, descriptors.raise_limit() // 4),
        )
        server = Server(context, self._places.runtime_dir, gate, report, limits)
        self._connection = Connection(
            pid=os.getpid(), version=__version__, commands=server.commands, events=server.events
        )
        if not server.commands.startswith("ipc://"):
            own = binding.new_pair()
            gate.let_in(LOCAL, own)
            self._connection = msgspec.structs.replace(
                self._connection, server_key=gate.server.public, client_key=own.public, client_secret=own.secret
            )
        if self._settings.listen:
            pair = server_pair(self._places.server_key_file)
            server.listen(self._settings.listen, pair)
            self._connection = msgspec.structs.replace(
                self._connection,
                remote_commands=server.remote_commands,
                remote_events=server.remote_events,
                remote_key=pair.public,
            )
            log.info("serving the network at %s and %s", server.remote_commands, server.remote_events)
        return server

    def _make_manager(self) -> Manager:
        places = self._places
        daemon = views.DaemonView(
            version=__version__,
            pid=os.getpid(),
            started_at=_now_text(),
            home=str(places.data_dir),
            models_dir=str(self._models_dir),
            log_file=str(places.log_file),
            default_model=self._settings.default_model,
            use_gpu=self._settings.effective_gpu_layers() != 0,
            max_loaded_models=self._settings.max_loaded_models,
            hub_endpoint=self._settings.hub_endpoint,
            download_limit=self._settings.download_limit,
        )
        database = self._database
        try:
            self._mirror.take_in()
            remembered = Remembered(
                specs=merge(catalogue.read(), database.specs()),
                jobs=database.jobs(),
                latest=database.latest(),
                averages=database.averages(),
                unclean=self._unclean,
            )
            database.forget_residents()
        except sqlite3.Error as error:
            raise database.unusable(error) from error
        return Manager(uuid.uuid4().hex[:12], daemon, self._settings, _ids(), remembered)

    def _announce(self) -> None:
        file = self._places.connection_file
        temporary = file.with_suffix(".tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(msgspec.json.encode(self._connection))
        temporary.replace(file)
        sd_notify.ready()
        log.info("serving at %s and %s", self._server.commands, self._server.events)

    def _announce_again(self) -> None:
        """Write the connection file again if another program has removed it: without it no client finds the daemon."""
        if self._announced and not self._places.connection_file.exists():
            log.warning("%s was removed; it is written again", self._places.connection_file)
            self._announce()

    async def _tick(self, report: Callable[[facts.AnyFact], None]) -> None:
        memory = ProcessMemory()
        while True:
            await asyncio.sleep(TICK_S)
            try:
                report(self._probe.sample(self._workers.pids()))
                self._server.look()
                self._announce_again()
                memory.trim(time.monotonic())
            except Exception:  # no code awaits this task, so an exception would end the heartbeats silently
                log.exception("sampling the machine or checking the keys failed")
            report(facts.Ticked())
            sd_notify.alive()

    def _perform(self, effect: effects.AnyEffect) -> None:
        """Have an adapter do it; if that raises, the core learns it and fails what the effect was for."""
        try:
            self._hand_over(effect)
        except Exception as error:
            log.exception("%s failed", type(effect).__name__)
            self._inbox.put_nowait(facts.WorkFailed(effect=effect, why=repr(error)))

    def _deliver(self, held: effects.Send) -> None:
        """Send an answer that waited for its commit."""
        self._perform(msgspec.structs.replace(held, after_commit=False))

    def _hand_over(self, effect: effects.AnyEffect) -> None:
        match effect:
            case effects.Send():
                if effect.after_commit:
                    self._committer.hold(effect)
                else:
                    self._server.send(effect)
            case effects.Publish():
                self._server.publish(effect)
            case effects.Inspect():
                self._in_thread(self._threads, self._files.inspect, effect)
            case effects.RemoveFiles():
                self._in_thread(self._threads, self._files.remove, effect)
            case effects.DropPartial():
                self._in_thread(self._threads, self._files.drop_partial, effect)
            case effects.StartPull():
                self._pulls.start(effect)
            case effects.StopPull():
                if not self._hub.stop(effect):
                    self._pulls.stop(effect)
            case effects.ListRepository() | effects.ReadRemote() | effects.SearchHub():
                self._hub.send(effect)
            case effects.ScanExternalModels():
                self._in_thread(self._threads, self._external_folders.scan, effect)
            case effects.LookForFiles():
                self._in_thread(self._threads, self._files.look_for, effect)
            case effects.LimitPulls():
                self._pulls.limit(effect)
            case effects.ReportBug(fact=fact, trace=trace):
                log.error("a bug in modeld: %s could not be handled\n%s", fact, trace)
            case effects.StartWorker():
                self._workers.start(effect)
            case effects.TellWorker():
                self._workers.tell(effect)
            case effects.StopWorker():
                self._workers.stop(effect)
            case effects.ReadRuns():
                self._in_thread(self._reader, self._read_runs(), effect)
            case effects.ReadBackup():
                self._in_thread(self._reader, self._backups.read, effect)
            case effects.MergeSettings():
                self._in_thread(self._reader, self._backups.merge, effect)
            case (
                effects.SaveModel()
                | effects.ForgetModel()
                | effects.SaveJob()
                | effects.ForgetJob()
                | effects.SaveRun()
                | effects.SaveBackup()
            ):
                self._committer.save(effect)
            case effects.Continue(ticket=ticket):
                # In the next turn of the loop, so that it looks at the sockets first.
                asyncio.get_running_loop().call_soon(self._inbox.put_nowait, facts.Continued(ticket=ticket))
            case _:
                assert_never(effect)

    def _read_runs(self) -> Callable[[effects.ReadRuns], facts.RunsRead]:
        """A reader of the history, which knows the runs that are not in the database yet."""
        unsaved = self._committer.unsaved_runs()
        return lambda effect: self._database.read(effect, unsaved)

    def _in_thread(self, pool: ThreadPoolExecutor, work: Callable[[_E], facts.AnyFact | None], effect: _E) -> None:
        """Do blocking work in a thread; the fact it returns goes to the inbox, or that it failed."""
        loop = asyncio.get_running_loop()

        def do() -> None:
            try:
                fact = work(effect)
            except Exception as error:
                log.exception("%s failed", type(effect).__name__)
                fact = facts.WorkFailed(effect=effect, why=repr(error))
            if fact is not None:
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(self._inbox.put_nowait, fact)

        pool.submit(do)


def _force_end() -> None:
    log.error("a thread has not ended %.0f s after a stop was asked for; the process ends without it", END_S)
    logging.shutdown()
    os._exit(0)


def server_pair(path: Path) -> KeyPair:
    """The keys by which other machines know this daemon; made the first time."""
    try:
        return read_pair(path)
    except FileNotFoundError:
        pair = binding.new_pair()
        write_pair(path, pair)
        return pair


def _on_signal(loop: asyncio.AbstractEventLoop, report: Callable[[facts.AnyFact], None], fact: facts.StopAsked) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, report, fact)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(report, fact))


def read_header(path: Path) -> views.HeaderView | Failure:
    """The header of a model file (or of one part of a model), or why it is not a model."""
    try:
        return gguf.read_header(path)
    except gguf.GgufError as error:
        return error.failure


def read_model(path: Path) -> views.HeaderView | Failure:
    """The header of a whole model, with all its files checked, or why it is not a model."""
    try:
        return gguf.read_model(path)
    except gguf.GgufError as error:
        return error.failure


def read_remote(fetch: Callable[[int, int], bytes], size_bytes: int) -> views.HeaderView | Failure:
    """The header of a remote file, or why it is not a model."""
    try:
        return gguf.read_remote(fetch, size_bytes)
    except gguf.GgufError as error:
        return error.failure


def merge(builtin: list[ModelSpec], stored: list[ModelSpec]) -> list[ModelSpec]:
    """The catalogue with what was learned of its models since, then the models that were added."""
    learned = {spec.key: spec for spec in stored}
    merged = []
    for spec in builtin:
        known = learned.pop(spec.key, None)
        if known is not None:
            spec = msgspec.structs.replace(
                spec,
                size_bytes=known.size_bytes,
                sha256=known.sha256,
                verified=known.verified,
                pinned=known.pinned,
                resident=known.resident,
            )
            if known.source == spec.source and known.parts:
                spec = msgspec.structs.replace(spec, file_name=known.file_name, parts=known.parts, commit=known.commit)
        merged.append(spec)
    return merged + list(learned.values())


def _ids() -> Iterator[str]:
    while True:
        yield uuid.uuid4().hex[:8]


def _now_text() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())

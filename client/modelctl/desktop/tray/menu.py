"""The tray's menu as a tree of values: a pure function of the snapshot and the unseen news.

Every entry has an ``id`` that stays the same while it represents the same thing, so that an open menu can be updated
without jumping.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from modeld.protocol.states import HAS_FILE, HAS_WORKER, IN_MEMORY, JobState, ModelState
from modeld.protocol.views import JobView, ModelView, Snapshot

from modelctl.desktop.tray import choices
from modelctl.desktop.tray.appearance import benchmarks, download_text, downloads, headline, memory, not_responding
from modelctl.desktop.tray.choices import Choice
from modelctl.desktop.tray.unseen import UnseenNews
from modelctl.errors import explained
from modelctl.language.catalogue import _
from modelctl.language.format import format_bytes, percent
from modelctl.language.printable import one_line

MOST_ENTRIES = 40
"""The maximum length of a submenu, so that it fits the screen; the viewer shows the rest."""

FAILURE_CHARACTERS = 60


@dataclass(frozen=True)
class MenuItem:
    """An entry: a choice (``action``), a submenu (``children``), a ``separator``, or a plain text."""

    id: str
    label: str = ""
    action: Choice | None = None
    enabled: bool = True
    checked: bool | None = None
    children: tuple["MenuItem", ...] = ()
    separator: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", one_line(self.label))


Menu = tuple[MenuItem, ...]


def menu(snapshot: Snapshot | None, news: UnseenNews, stale: bool = False) -> Menu:
    """The whole menu; without a snapshot the daemon is not reachable; ``stale``: it does not respond."""
    if snapshot is None:
        groups = [
            [_line("status", _("modeld is not running")), *_failure(news)],
            [
                MenuItem("start", _("Start the daemon"), choices.StartDaemon()),
                MenuItem("viewer", _("Open viewer"), choices.OpenViewer()),
                MenuItem("logs", _("Open logs"), choices.OpenLogs()),
            ],
        ]
    else:
        groups = [
            [
                _line("status", not_responding() if stale else headline(snapshot)),
                *_not_saving(snapshot),
                *_failure(news),
            ],
            [MenuItem("viewer", _("Open viewer"), choices.OpenViewer())],
            _in_memory(snapshot),
            _memory_actions(snapshot),
            _jobs(snapshot),
            _download_actions(snapshot),
            [_benchmark(snapshot)],
            [MenuItem("logs", _("Open logs"), choices.OpenLogs())],
        ]
    return tuple(_separated([*groups, [MenuItem("quit", _("Quit tray"), choices.QuitTray())]]))


def find(entries: Iterable[MenuItem], id_: str) -> MenuItem | None:
    """The entry with this id, at any depth."""
    for entry in entries:
        if entry.id == id_:
            return entry
        found = find(entry.children, id_)
        if found is not None:
            return found
    return None


def _separated(groups: Iterable[list[MenuItem]]) -> list[MenuItem]:
    """The non-empty groups, with a separator between each two."""
    items: list[MenuItem] = []
    for number, group in enumerate(groups):
        if group and items:
            items.append(MenuItem(f"line/{number}", separator=True))
        items += group
    return items


def _line(id_: str, label: str) -> MenuItem:
    return MenuItem(id_, label, enabled=False)


def _failure(news: UnseenNews) -> list[MenuItem]:
    """The last failure; choosing it opens the viewer, which shows the full message."""
    if not news.failure:
        return []
    return [_warning("failure", news.failure)]


def _not_saving(snapshot: Snapshot) -> list[MenuItem]:
    why = snapshot.daemon.not_saving
    return [] if why is None else [_warning("not-saving", explained(why))]


def _warning(id_: str, sentence: str) -> MenuItem:
    """The beginning of a sentence; choosing it opens the viewer, which shows all of it."""
    text = " ".join(sentence.split())
    short = text if len(text) <= FAILURE_CHARACTERS else text[: FAILURE_CHARACTERS - 1] + "…"
    return MenuItem(id_, f"⚠ {short}", choices.OpenViewer())


def _in_memory(snapshot: Snapshot) -> list[MenuItem]:
    return [_model(model) for model in snapshot.models if model.state in HAS_WORKER]


def _model(model: ModelView) -> MenuItem:
    key = model.key.upper()
    if model.state is ModelState.LOADING:
        return _line(f"model/{model.key}", _("{key}: loading").format(key=key))
    if model.state is ModelState.UNLOADING:
        return _line(f"model/{model.key}", _("{key}: unloading").format(key=key))
    label = f"{key}   {format_bytes(memory(model))}"
    if model.loaded is not None and model.loaded.context_size:
        share = percent(100 * model.loaded.context_used / model.loaded.context_size)
        label = _("{model} · context {percent}").format(model=label, percent=share)
    return MenuItem(
        f"model/{model.key}",
        label,
        children=(
            MenuItem(f"model/{model.key}/unload", _("Unload"), choices.Unload(model.key)),
            MenuItem(
                f"model/{model.key}/pin",
                _("Keep loaded (pinned)"),
                choices.Pin(model.key, not model.pinned),
                checked=model.pinned,
            ),
        ),
    )


def _memory_actions(snapshot: Snapshot) -> list[MenuItem]:
    loadable = [model for model in snapshot.models if model.state is ModelState.ON_DISK]
    loaded = [model for model in snapshot.models if model.state in IN_MEMORY]
    return [
        _submenu("load", _("Load"), loadable, lambda model: choices.Load(model.key), lambda model: model.size_bytes),
        _submenu("unload", _("Unload"), loaded, lambda model: choices.Unload(model.key), memory),
        MenuItem("unload-all", _("Unload all"), choices.Unload(), enabled=bool(loaded)),
    ]


def _jobs(snapshot: Snapshot) -> list[MenuItem]:
    pulls = downloads(snapshot, JobState.RUNNING, JobState.QUEUED, JobState.PAUSED)
    return [_download(job) for job in pulls] + [_measuring(job) for job in benchmarks(snapshot)]


def _download(job: JobView) -> MenuItem:
    id_ = f"download/{job.model}"
    if job.state is JobState.PAUSED:
        hold = MenuItem(f"{id_}/resume", _("Resume"), choices.Resume(job.id))
    else:
        hold = MenuItem(f"{id_}/pause", _("Pause"), choices.Pause(job.id))
    cancel = MenuItem(f"{id_}/cancel", _("Cancel"), choices.Cancel(job.id))
    return MenuItem(id_, f"{job.model.upper()}   {download_text(job)}", children=(hold, cancel))


def _measuring(job: JobView) -> MenuItem:
    id_ = f"benchmark/{job.model}"
    done = _("waiting") if job.state is JobState.QUEUED else percent(job.progress.percent)
    label = _("{key}: benchmark {percent}").format(key=job.model.upper(), percent=done)
    return MenuItem(id_, label, children=(MenuItem(f"{id_}/cancel", _("Cancel"), choices.Cancel(job.id)),))


def _download_actions(snapshot: Snapshot) -> list[MenuItem]:
    absent = [model for model in snapshot.models if model.state is ModelState.ABSENT]
    going = downloads(snapshot, JobState.RUNNING, JobState.QUEUED)
    held = downloads(snapshot, JobState.PAUSED)
    return [
        _submenu("pull", _("Download"), absent, lambda model: choices.Pull(model.key), lambda model: model.size_bytes),
        MenuItem("pause-all", _("Pause all downloads"), choices.Pause(), enabled=bool(going)),
        MenuItem("resume-all", _("Resume all downloads"), choices.Resume(), enabled=bool(held)),
    ]


def _benchmark(snapshot: Snapshot) -> MenuItem:
    ready = [model for model in snapshot.models if model.state in HAS_FILE]
    entries = _entries("bench", ready, lambda model: choices.Benchmark(model.key), lambda model: model.size_bytes)
    if ready:
        every = MenuItem("bench-all", _("All models"), choices.Benchmark())
        entries = (every, MenuItem("bench-line", separator=True), *entries)
    return MenuItem("bench", _("Run benchmark"), enabled=bool(ready), children=entries)


def _submenu(
    id_: str,
    label: str,
    models: list[ModelView],
    action: Callable[[ModelView], Choice],
    size: Callable[[ModelView], int],
) -> MenuItem:
    return MenuItem(id_, label, enabled=bool(models), children=_entries(id_, models, action, size))


def _entries(
    id_: str, models: list[ModelView], action: Callable[[ModelView], Choice], size: Callable[[ModelView], int]
) -> Menu:
    """One entry per model with its size; if there are too many, the last entry opens the viewer."""
    shown = models if len(models) <= MOST_ENTRIES else models[: MOST_ENTRIES - 1]
    entries = [
        MenuItem(f"{id_}/{model.key}", _with_size(model.key.upper(), size(model)), action(model)) for model in shown
    ]
    if len(shown) < len(models):
        more = _("{count} more in the viewer…").format(count=len(models) - len(shown))
        entries.append(MenuItem(f"{id_}-more", more, choices.OpenViewer()))
    return tuple(entries)


def _with_size(key: str, size_bytes: int) -> str:
    return f"{key}   {format_bytes(size_bytes)}" if size_bytes else key

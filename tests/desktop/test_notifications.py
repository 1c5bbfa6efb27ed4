"""Desktop notifications as a notification server gets them, from a real daemon and by real clicks."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from modelctl import Client
from modelctl.desktop.notices.backend import NoAnswerError, UnavailableError
from modelctl.desktop.notices.dbus import DBusBackend
from modelctl.desktop.notices.desktop import DesktopNotices
from modelctl.desktop.notices.notice import Notice, NoticeAction, NoticeKind, Urgency
from modelctl.errors import ModeldError
from modelctl.follow import Mirror, keep_following
from modelctl.preferences import Notifications
from modeld.protocol.events import AnyEvent
from support import tiny_gguf
from support.desktop.notice_servers import BareBus, Server
from support.desktop.virtual_desktop import VirtualDesktop, environment_of
from support.range_server import Fault, RangeServer
from support.real_daemon import RealDaemon
from support.waiting import until

DEADLINE_S = 30.0


def notice(key: str, title: str, body: str = "", **more: object) -> Notice:
    return Notice(key=key, kind=NoticeKind.DOWNLOAD_FAILED, title=title, body=body, **more)  # type: ignore[arg-type]


def shown(desktop: VirtualDesktop, *words: str) -> str:
    """The newest notification with all ``words``, when the server has it."""

    def look() -> str:
        found = [text for text in desktop.notifications() if all(word in text for word in words)]
        return found[-1] if found else ""

    return until(look, f"a notification with {words}; {desktop.logs()}")


def field(text: str, name: str) -> str:
    """A field of a notification as dunst prints it."""
    found = re.search(rf"^\s*{name}: '?(.*?)'?$", text, re.MULTILINE)
    assert found, text
    return found[1]


class Clicks:
    """What was clicked, as the backend told it."""

    def __init__(self) -> None:
        self.all: list[tuple[str, NoticeAction]] = []
        self.came = threading.Semaphore(0)

    def __call__(self, notice: Notice, action: NoticeAction) -> None:
        self.all.append((notice.key, action))
        self.came.release()


@pytest.fixture
def clicks() -> Clicks:
    return Clicks()


@pytest.fixture
def backend(desktop: VirtualDesktop, clicks: Clicks) -> Iterator[DBusBackend]:
    """A way to the desktop's own server, whose screen is cleared first."""
    desktop.call(
        "org.freedesktop.Notifications", "/org/freedesktop/Notifications", "org.dunstproject.cmd0.NotificationCloseAll"
    )
    made = DBusBackend(clicks, address=desktop.environment["DBUS_SESSION_BUS_ADDRESS"])
    yield made
    made.close()


@pytest.fixture
def bare_bus(tmp_path: Path) -> Iterator[BareBus]:
    bus = BareBus(tmp_path)
    yield bus
    bus.close()


@pytest.fixture
def bare(bare_bus: BareBus, clicks: Clicks) -> Iterator[DBusBackend]:
    """A way to a bus on which no notification server can be started."""
    made = DBusBackend(clicks, address=bare_bus.address)
    yield made
    made.close()


# What the server gets


def test_the_server_gets_title_body_urgency_category_icon_and_actions(
    desktop: VirtualDesktop, backend: DBusBackend
) -> None:
    said = notice(
        "a",
        "Download failed: ALL",
        "The disk is full.",
        urgency=Urgency.CRITICAL,
        actions=(NoticeAction.OPEN, NoticeAction.RETRY, NoticeAction.SHOW_LOG),
        progress=63,
    )

    assert backend.send(said) == "dunst"

    text = shown(desktop, "Download failed: ALL")
    assert field(text, "body") == "The disk is full."
    assert field(text, "urgency") == "CRITICAL"
    assert field(text, "category") == "transfer.error"
    assert field(text, "desktop_entry") == "modeld"
    assert field(text, "raw_icon set") == "true"
    assert field(text, "progress") == "63"
    actions = dict(re.findall(r'"(\w+)": "(.*)"', text))
    assert actions == {"default": "Open", "retry": "Retry", "log": "Show log"}


def test_texts_that_a_server_could_take_for_something_else_arrive_as_they_are(
    desktop: VirtualDesktop, backend: DBusBackend
) -> None:
    backend.send(notice("odd", "--help <b>&amp; 🎉", "-x <b>bold</b> & <i>\nsecond 👨‍👩‍👧 line äöü"))

    text = shown(desktop, "--help")
    assert field(text, "summary") == "--help <b>&amp; 🎉"
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; &lt;i&gt;\nsecond 👨‍👩‍👧 line äöü" in text


def test_a_notice_of_the_same_key_takes_the_place_of_the_earlier_one(
    desktop: VirtualDesktop, backend: DBusBackend
) -> None:
    backend.send(notice("same", "First of the key"))
    backend.send(notice("other", "Of another key"))
    backend.send(notice("same", "Second of the key"))
    backend.send(notice("summary", "Instead of it", instead_of="same"))
    backend.send(notice("same", "Third of the key"))

    first, other, second, instead, third = (
        field(shown(desktop, title), "id")
        for title in ("First of the key", "Of another key", "Second of the key", "Instead of it", "Third of the key")
    )
    assert first == second == instead
    assert len({first, other, third}) == 3


def test_a_click_on_the_notification_opens(desktop: VirtualDesktop, backend: DBusBackend, clicks: Clicks) -> None:
    backend.send(
        notice("click", "Click me", "with the middle button", actions=(NoticeAction.OPEN,), urgency=Urgency.CRITICAL)
    )
    shown(desktop, "Click me")
    (window,) = until(lambda: desktop.windows("[Dd]unst"), "the notification's window")
    geometry = dict(re.findall(r"(X|Y)=(\d+)", desktop.run("xdotool", "getwindowgeometry", "--shell", window)))

    desktop.click(int(geometry["X"]) + 100, int(geometry["Y"]) + 20, button=2)

    assert clicks.came.acquire(timeout=DEADLINE_S)
    assert clicks.all == [("click", NoticeAction.OPEN)]


# Servers that are away, silent, or know little


def test_without_a_bus_nobody_is_there(tmp_path: Path, clicks: Clicks) -> None:
    backend = DBusBackend(clicks, address=f"unix:path={tmp_path / 'no-bus'}")

    with pytest.raises(UnavailableError):
        backend.send(notice("a", "A"))
    backend.close()


def test_an_environment_without_a_bus_is_said_to_be_that(
    tmp_path: Path, clicks: Clicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    backend = DBusBackend(clicks)

    with pytest.raises(UnavailableError, match="there is no session bus"):
        backend.send(notice("a", "A"))
    backend.close()


def test_without_a_server_nobody_is_there_until_one_comes(bare: DBusBackend, bare_bus: BareBus) -> None:
    with pytest.raises(UnavailableError, match="not provided by any"):
        bare.send(notice("a", "A"))
    server = Server(bare_bus.address, answers=True)

    assert bare.send(notice("a", "A")) == "small"
    server.close()


def test_a_server_that_never_answers_costs_no_more_than_the_deadline(bare_bus: BareBus, clicks: Clicks) -> None:
    server = Server(bare_bus.address, answers=False)
    backend = DBusBackend(clicks, address=bare_bus.address, deadline_s=0.2)

    with pytest.raises(NoAnswerError, match=r"no answer within 0\.2 s"):
        backend.send(notice("a", "A"))

    assert server.calls == ["GetCapabilities"]
    backend.close()
    server.close()


def test_a_server_that_can_do_little_gets_plain_text_and_no_actions(bare: DBusBackend, bare_bus: BareBus) -> None:
    server = Server(bare_bus.address, answers=True, can=("body",))

    bare.send(notice("a", "A", "1 < 2 & 3", actions=(NoticeAction.OPEN,)))

    _name, _replaces, _icon, _title, body, actions, _hints, _timeout = server.notified[0]
    assert (body, actions) == ("1 < 2 & 3", [])
    server.close()


def test_another_server_is_not_asked_to_replace_what_it_never_showed(bare: DBusBackend, bare_bus: BareBus) -> None:
    first = Server(bare_bus.address, answers=True)
    bare.send(notice("a", "A"))
    first.close()
    second = Server(bare_bus.address, answers=True)

    bare.send(notice("a", "A"))
    bare.send(notice("a", "A"))

    assert [call[1] for call in second.notified] == [0, 1]
    second.close()


def test_an_action_is_told_for_the_notice_it_was_chosen_on(
    bare: DBusBackend, bare_bus: BareBus, clicks: Clicks
) -> None:
    server = Server(bare_bus.address, answers=True, can=("actions",))
    bare.send(notice("a", "A", actions=(NoticeAction.RETRY,)))
    bare.send(notice("b", "B", actions=(NoticeAction.RETRY,)))
    server.close_notification(1)
    for number, action in ((1, "retry"), (7, "retry"), (2, "nonsense"), (2, "retry")):
        server.invoke(number, action)

    assert clicks.came.acquire(timeout=DEADLINE_S)
    assert clicks.all == [("b", NoticeAction.RETRY)]
    server.close()


# From a real daemon, without a tray


@pytest.fixture
def served(tmp_path: Path) -> Iterator[RangeServer]:
    """A file server with tiny models."""
    folder = tmp_path / "served"
    folder.mkdir()
    for name in ("tiny", "one", "two", "three", "four"):
        tiny_gguf.write(folder / f"{name}.gguf")
    with RangeServer(folder) as server:
        yield server


@pytest.fixture
def notifying(desktop: VirtualDesktop, daemon: RealDaemon, tmp_path: Path) -> Iterator[None]:
    """``modelctl notify`` on the desktop, following the daemon."""
    log = tmp_path / "notify.log"
    with log.open("w") as file:
        environment = {**environment_of(desktop, daemon.home), "PYTHONWARNINGS": "error"}
        child = subprocess.Popen([sys.executable, "-m", "modelctl", "notify"], env=environment, stderr=file)
    until(lambda: "Showing notifications of modeld" in log.read_text(), f"notify to follow; {log.read_text()}")
    yield
    child.terminate()
    assert child.wait(DEADLINE_S) == 0, log.read_text()
    assert "Traceback" not in log.read_text(), log.read_text()


def pulled(client: Client, served: RangeServer, names: Sequence[str]) -> None:
    """Download models of these names at once."""
    for name in names:
        client.add(name, served.url(f"{name}.gguf"), display_name='Tiny <b>& "Model"')
    for name in names:
        client.pull(name)


@pytest.mark.usefixtures("notifying")
def test_a_download_that_finishes_is_told_with_its_size(
    desktop: VirtualDesktop, client: Client, served: RangeServer
) -> None:
    pulled(client, served, ["tiny"])

    text = shown(desktop, "Download finished: TINY")
    assert 'Tiny &lt;b&gt;&amp; "Model"' in text
    assert re.search(r"\d+\.\d KB in \d+s", text)


@pytest.mark.usefixtures("notifying")
def test_a_download_that_fails_is_told_with_the_reason(
    desktop: VirtualDesktop, client: Client, served: RangeServer
) -> None:
    served.fault("one.gguf", Fault(status=404))
    pulled(client, served, ["one"])

    text = shown(desktop, "Download failed: ONE")
    assert "404" in field(text, "body")
    assert '"retry": "Retry"' in text


@pytest.mark.usefixtures("notifying")
def test_a_benchmark_that_finishes_is_told_with_its_number_and_the_change(
    desktop: VirtualDesktop, client: Client, served: RangeServer
) -> None:
    client.add("bench", str(served.folder / "tiny.gguf"))
    client.benchmark(["bench"], repetitions=1, max_tokens=8, wait=True)
    first = client.results("bench").runs[-1].result.tokens_per_second
    assert f"{first:.1f} tokens/s" in shown(desktop, "Benchmark finished: BENCH")

    client.benchmark(["bench"], repetitions=1, max_tokens=8, wait=True)

    history = client.results("bench")
    assert history.change is not None
    rate, percent = history.runs[-1].result.tokens_per_second, abs(history.change.percent)
    assert f"{percent:.1f}%" in shown(desktop, "Benchmark finished: BENCH", f"{rate:.1f} tokens/s", "the previous run")


@pytest.mark.usefixtures("notifying")
def test_a_worker_that_is_killed_is_told_as_a_crash(
    desktop: VirtualDesktop, client: Client, served: RangeServer
) -> None:
    client.add("victim", str(served.folder / "tiny.gguf"))
    client.load("victim")
    (loaded,) = (model.loaded for model in client.snapshot().models if model.key == "victim")
    assert loaded is not None

    os.kill(loaded.pid, signal.SIGKILL)

    assert "SIGKILL" in field(shown(desktop, "VICTIM crashed"), "body")


@pytest.mark.usefixtures("notifying")
def test_downloads_that_end_at_once_are_one_notification(
    desktop: VirtualDesktop, client: Client, served: RangeServer
) -> None:
    served.fault("four.gguf", Fault(status=404))
    before = len(desktop.notifications())
    pulled(client, served, ["one", "two", "three", "four"])

    text = shown(desktop, "3 downloads finished: ", "ONE", "TWO", "THREE", "1 failed: FOUR (not found)")
    ids = {field(text, "id") for text in desktop.notifications()[before:]}
    assert ids == {field(text, "id")}


class Watched:
    """Whether the viewer is looked at, as the test says, and that it was asked."""

    def __init__(self) -> None:
        self.now = True
        self.asked = threading.Semaphore(0)

    def __call__(self) -> bool:
        answer = self.now
        self.asked.release()
        return answer


@contextlib.contextmanager
def following(
    daemon: RealDaemon, desktop: VirtualDesktop, wanted: Notifications, watched: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Notifications in this process, as a tray would have them."""
    stop, begun = threading.Event(), threading.Event()
    with Client(daemon.places) as client:
        backend = DBusBackend(lambda _n, _a: None, address=desktop.environment["DBUS_SESSION_BUS_ADDRESS"])
        notices = DesktopNotices(client, wanted, viewer_focused=watched, backends=[backend])

        def changed(mirror: Mirror | None, event: AnyEvent | None) -> None:
            notices.on_change(mirror, event)
            begun.set()

        thread = threading.Thread(target=keep_following, args=(client.transport, changed, stop))
        thread.start()
        assert begun.wait(DEADLINE_S)
        try:
            yield
        finally:
            stop.set()
            thread.join(DEADLINE_S)
            notices.close()


def test_what_is_seen_in_the_viewer_is_not_told(
    desktop: VirtualDesktop, daemon: RealDaemon, client: Client, served: RangeServer
) -> None:
    watched = Watched()
    before = len(desktop.notifications())
    with following(daemon, desktop, Notifications(), watched):
        pulled(client, served, ["one"])
        assert watched.asked.acquire(timeout=DEADLINE_S)
        watched.now = False
        pulled(client, served, ["two"])
        shown(desktop, "Download finished: TWO")

    assert len(desktop.notifications()) == before + 1


def test_a_kind_that_is_switched_off_is_not_told(
    desktop: VirtualDesktop, daemon: RealDaemon, client: Client, served: RangeServer
) -> None:
    served.fault("three.gguf", Fault(status=404))
    before = len(desktop.notifications())
    with following(daemon, desktop, Notifications(download_failed=False)):
        client.add("three", served.url("three.gguf"))
        with pytest.raises(ModeldError):
            client.pull("three", wait=True)
        pulled(client, served, ["four"])
        shown(desktop, "Download finished: FOUR")

    assert len(desktop.notifications()) == before + 1


# The verb


def notify_test(environment: Mapping[str, str], *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "modelctl", "notify", "--test", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def test_notify_test_shows_one_and_says_how(desktop: VirtualDesktop, tmp_path: Path) -> None:
    before = len(desktop.notifications())
    done = notify_test(environment_of(desktop, tmp_path))

    assert (done.returncode, done.stdout) == (0, "dunst showed a notification.\n"), done.stderr
    assert len(desktop.notifications()) == before + 1
    assert json.loads(notify_test(environment_of(desktop, tmp_path), "--json").stdout)["note"] == "dunst"


def test_notify_test_says_what_is_missing(desktop: VirtualDesktop, tmp_path: Path, bare_bus: BareBus) -> None:
    done = notify_test(environment_of(desktop, tmp_path, DBUS_SESSION_BUS_ADDRESS=bare_bus.address))

    assert done.returncode == 1
    assert "No notification could be shown" in done.stderr
    assert "Traceback" not in done.stderr

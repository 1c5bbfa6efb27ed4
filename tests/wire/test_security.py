"""Who can command the daemon, and who cannot: other users of this machine, and the network."""

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
import zmq
from modelctl import Client
from modelctl.errors import DaemonUnavailable, ModeldError, Refused
from modelctl.transport import hosts, keys
from modeld.places import Places, find
from modeld.protocol.connection import Connection
from modeld.protocol.errors import ErrorCode
from modeld.protocol.keys import KeyPair
from modeld.protocol.reasons import Reason
from modeld.protocol.requests import Sampling
from modeld.transport.binding import bind_file, new_pair
from support import tiny_gguf
from support.other_user import NOBODY, as_nobody, greeted, needs_root
from support.real_daemon import DEADLINE_S, RealDaemon

GREEDY = Sampling(temperature=0.0)
"""A random model that samples may end its answer by chance."""

NOTHING_MS = 500
"""Silence for this long is taken for silence; a lucky attacker would have been answered in one."""


@pytest.fixture
def settings() -> dict[str, str]:
    return {"MODELD_LISTEN": "tcp://127.0.0.1:0"}


@pytest.fixture
def away(tmp_path: Path, daemon: RealDaemon) -> Places:
    """The home of a person on another machine, who has a key called laptop and knows the daemon as ``work``."""
    places = find({"MODELD_HOME": str(tmp_path / "away")})
    keys.create(places, "laptop")
    know(places, daemon)
    return places


def know(places: Places, daemon: RealDaemon, server_key: str = "") -> None:
    connection = json.loads(daemon.places.connection_file.read_text())
    host = hosts.Host(
        endpoint=connection["remote_commands"],
        events=connection["remote_events"],
        server_key=server_key or connection["remote_key"],
        key="laptop",
    )
    hosts.write(places, {"work": host})


@pytest.fixture
def guest(away: Places, daemon: RealDaemon) -> Iterator[Client]:
    """The client of that person, whose key is allowed."""
    keys.allow(daemon.places, "laptop", hosts.own_pair(away, "laptop").public)
    with Client(away, host="work", timeout_s=DEADLINE_S) as found:
        yield found


# -- this machine ----------------------------------------------------------------------------------------------------


def run_modeld(home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MODELD_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-m", "modeld"], env=environment, capture_output=True, text=True, timeout=DEADLINE_S
    )


def test_a_runtime_folder_open_to_others_is_refused_with_the_way_out(tmp_path: Path):
    run = tmp_path / "run"
    run.mkdir()
    run.chmod(0o755)
    ended = run_modeld(tmp_path)
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert f"chmod 700 {run}" in ended.stderr and "0755" in ended.stderr


@needs_root
def test_a_runtime_folder_of_another_user_is_refused(tmp_path: Path):
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    os.chown(run, NOBODY, NOBODY)
    ended = run_modeld(tmp_path)
    assert ended.returncode == 1 and "belongs to another user" in ended.stderr and "Traceback" not in ended.stderr


def test_a_runtime_folder_that_is_a_link_is_refused(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    ended = run_modeld(tmp_path)
    assert ended.returncode == 1 and "is not a folder" in ended.stderr


def test_everything_the_daemon_writes_is_for_this_user_only(daemon: RealDaemon):
    written = [path for path in daemon.home.rglob("*") if not path.is_symlink()]
    assert {path.name for path in written} >= {"commands.sock", "connection.json", "modeld.log", "server.key"}
    assert not [path for path in written if stat.S_IMODE(path.lstat().st_mode) & 0o077]


@needs_root
def test_another_user_reaches_neither_a_socket_nor_the_connection_file(tmp_path: Path, daemon: RealDaemon):
    for folder in (daemon.home, *daemon.home.parents):
        if folder.stat().st_uid == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    run = daemon.places.runtime_dir
    for name in ("commands.sock", "events.sock", "workers.sock"):
        assert as_nobody(lambda name=name: greeted(run / name)) == "PermissionError"
        assert greeted(run / name) == "welcome"
    assert as_nobody(daemon.places.connection_file.read_text) == "PermissionError"


@needs_root
def test_another_user_is_hung_up_on_even_where_the_files_would_let_it_through(short_folder: Path):
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    router = context.socket(zmq.ROUTER)
    path = short_folder / "open.sock"
    bind_file(router, path)
    short_folder.chmod(0o755)
    path.chmod(0o777)
    assert as_nobody(lambda: greeted(path)) == "hung up"
    assert greeted(path) == "welcome"
    context.destroy(0)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder that others can reach, with a path short enough for a socket."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="modeld-test-") as folder:
        yield Path(folder)


@needs_root
def test_the_client_does_not_follow_another_users_connection_file(tmp_path: Path):
    places = find({"MODELD_HOME": str(tmp_path)})
    places.runtime_dir.mkdir()
    planted = Connection(pid=os.getpid(), version="0", commands="ipc:///nowhere", events="ipc:///nowhere")
    import msgspec

    places.connection_file.write_bytes(msgspec.json.encode(planted))
    os.chown(places.connection_file, NOBODY, NOBODY)
    with Client(places) as client, pytest.raises(DaemonUnavailable, match="belongs to another user"):
        client.ping()


# -- the network -----------------------------------------------------------------------------------------------------


def test_an_allowed_key_commands_and_listens(guest: Client, daemon: RealDaemon, tiny_file: Path):
    assert guest.ping().pid == daemon.process.pid
    events = guest.events("model.")
    next(events)
    with Client(daemon.places, timeout_s=DEADLINE_S) as here:
        here.add("tiny", str(tiny_file))
    seen = next(event for event in events if getattr(event, "model", None))
    events.close()
    assert seen.model.key == "tiny"
    with guest.stream_generate("tiny", "hello", max_tokens=5) as stream:
        text = "".join(chunk.text for chunk in stream)
    assert stream.generation.text == text


def test_a_key_that_is_not_allowed_is_told_so(away: Places):
    with Client(away, host="work") as client:
        with pytest.raises(Refused, match="does not allow your key") as refused:
            client.ping()
        assert refused.value.code is ErrorCode.NOT_ALLOWED and "keys allow" in refused.value.failure.hint
        with pytest.raises(Refused, match="does not allow your key"):
            next(client.events())


def test_a_key_that_is_allowed_later_gets_in_without_a_restart(away: Places, daemon: RealDaemon):
    with Client(away, host="work", timeout_s=DEADLINE_S) as client:
        with pytest.raises(Refused):
            client.ping()
        keys.allow(daemon.places, "laptop", hosts.own_pair(away, "laptop").public)
        assert client.ping().pid == daemon.process.pid


def test_a_server_with_another_key_than_the_known_one_is_not_trusted(guest: Client, away: Places, daemon: RealDaemon):
    know(away, daemon, server_key=new_pair().public)
    with (
        Client(away, host="work") as client,
        pytest.raises(DaemonUnavailable, match=r"a different key than the one in hosts\.toml"),
    ):
        client.ping()


def test_a_machine_that_does_not_answer_is_named(away: Places):
    hosts.write(
        away,
        {"work": hosts.Host(endpoint="tcp://127.0.0.1:1", server_key=new_pair().public, key="laptop")},
    )
    with (
        Client(away, host="work", timeout_s=0.2) as client,
        pytest.raises(DaemonUnavailable, match="work did not answer"),
    ):
        client.ping()


@pytest.mark.parametrize("kind", ["no CURVE", "an unknown key", "the wrong server key"])
@pytest.mark.parametrize("endpoint", ["remote_commands", "remote_events"])
def test_without_the_right_keys_there_is_nothing_to_hear(daemon: RealDaemon, kind: str, endpoint: str):
    connection = json.loads(daemon.places.connection_file.read_text())
    server = new_pair().public if kind == "the wrong server key" else connection["remote_key"]
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER if endpoint == "remote_commands" else zmq.SUB)
    if kind != "no CURVE":
        use(socket, server, new_pair())
    socket.connect(connection[endpoint])
    if endpoint == "remote_commands":
        socket.send(b'{"v":1,"id":"1","op":"ping"}')
    else:
        socket.subscribe(b"")
        assert socket.poll(1200) == 0  # a heartbeat comes each second
    assert socket.poll(NOTHING_MS) == 0
    context.destroy(0)


def use(socket: "zmq.Socket[bytes]", server: str, own: KeyPair) -> None:
    socket.curve_serverkey = server.encode()
    socket.curve_publickey, socket.curve_secretkey = own.public.encode(), own.secret.encode()


def test_a_revoked_key_loses_what_it_has_open_and_others_go_on(
    guest: Client, away: Places, daemon: RealDaemon, tmp_path: Path
):
    slow = tiny_gguf.write(tmp_path / "slow.gguf", context=100_000, layers=8)
    here = Client(daemon.places, timeout_s=DEADLINE_S)
    here.add("slow", str(slow))
    here.load("slow", context_size=100_000)
    keys.create(away, "other")
    keys.allow(daemon.places, "other", hosts.own_pair(away, "other").public)
    known = hosts.read(away)["work"]
    hosts.write(away, {"work": known, "second": hosts.Host(**{**vars_of(known), "key": "other"})})
    other = Client(away, host="second", timeout_s=DEADLINE_S)
    listening, others = guest.events(), other.events()
    next(listening), next(others)
    stream = guest.stream_generate("slow", "hi", max_tokens=90_000, sampling=GREEDY)
    next(iter(stream))
    keys.revoke(daemon.places, "laptop")
    with pytest.raises(Refused, match=r"not allowed|does not allow"):
        guest.ping()
    with pytest.raises(ModeldError):
        for _ in listening:
            pass
    assert other.ping().pid == daemon.process.pid
    # They lose the subscription too, as libzmq can cut all or none, and get it back by themselves.
    beat = next(others)
    assert beat is not None
    until(lambda: here.show("slow").state == "loaded")
    others.close()
    stream.close()
    other.close()
    here.close()


@pytest.mark.parametrize("settings", [{"MODELD_LISTEN": "tcp://127.0.0.1:0", "MODELD_MAX_OPEN_REQUESTS": "2"}])
def test_a_key_has_no_more_open_requests_by_opening_more_connections(guest: Client, daemon: RealDaemon, tmp_path: Path):
    with Client(daemon.places, timeout_s=DEADLINE_S) as here:
        here.add("slow", str(tiny_gguf.write(tmp_path / "slow.gguf", context=100_000, layers=8)))
        here.load("slow", context_size=100_000)
        streams = [guest.stream_generate("slow", "hi", max_tokens=90_000, sampling=GREEDY) for _ in range(2)]
        next(iter(streams[0]))
        until(lambda: here.show("slow").loaded.requests_waiting == 1)
        with pytest.raises(Refused) as refused:
            guest.ping()
        assert refused.value.failure.reason == Reason.CLIENT_TOO_MANY_OPEN.id
        assert refused.value.failure.fields == {"count": 2}
        assert here.ping().pid == daemon.process.pid
        here.unload("slow")
        for stream in streams:
            stream.close()


def vars_of(host: hosts.Host) -> dict[str, str]:
    return {name: getattr(host, name) for name in host.__struct_fields__}


def until(holds, deadline_s: float = DEADLINE_S) -> None:
    end = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_file_of_the_daemons_machine_cannot_be_added_over_the_network(guest: Client, tiny_file: Path):
    for source in (str(tiny_file), "/etc/passwd", "file:///etc/passwd", "../x.gguf"):
        with pytest.raises(Refused) as refused:
            guest.add("mine", source)
        assert refused.value.failure.reason == Reason.REMOTE_ADD_REFUSED.id


def test_a_backup_is_not_restored_over_the_network(guest: Client, daemon: RealDaemon):
    with pytest.raises(Refused) as refused:
        guest.restore(msgspec.structs.replace(guest.backup(), settings='hub_endpoint = "https://example.org"\n'))
    assert refused.value.failure.reason == Reason.REMOTE_RESTORE_REFUSED.id
    assert not daemon.places.config_file.exists()


def test_the_servers_keys_stay_the_same_and_are_refused_once_others_could_read_them(daemon: RealDaemon):
    file = daemon.places.server_key_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    daemon.stop()
    daemon.start()
    assert file.read_bytes() == before
    daemon.stop()
    file.chmod(0o644)
    ended = subprocess.run(
        [sys.executable, "-m", "modeld"], env=daemon.environment, capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert ended.returncode == 1 and f"chmod 600 {file}" in ended.stderr and "Traceback" not in ended.stderr
    assert secret_of(before.decode()) not in ended.stderr + daemon.log()


def secret_of(text: str) -> str:
    return text.split('secret = "')[1].split('"')[0]


def test_a_list_of_keys_that_others_could_write_lets_in_nobody(guest: Client, daemon: RealDaemon):
    guest.ping()
    file = daemon.places.allowed_keys_file
    file.chmod(0o666)
    with pytest.raises(Refused):
        guest.ping()
    assert Reason.ALLOWED_KEYS_EXPOSED.failure(path=str(file)).message in daemon.log()


@pytest.mark.parametrize("listen", ["tcp://127.0.0.1", "ipc:///tmp/x", "127.0.0.1:5577", "tcp://127.0.0.1:65535"])
def test_an_address_that_cannot_be_listened_at_is_named(tmp_path: Path, listen: str):
    environment = {**os.environ, "MODELD_HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-m", "modeld", "--listen", listen],
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert ended.returncode == 2 and listen in ended.stderr and "Traceback" not in ended.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path, daemon: RealDaemon):
    taken = json.loads(daemon.places.connection_file.read_text())["remote_commands"]
    environment = {**os.environ, "MODELD_HOME": str(tmp_path / "second"), "MODELD_LISTEN": taken}
    ended = subprocess.run(
        [sys.executable, "-m", "modeld"], env=environment, capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert ended.returncode == 1 and taken in ended.stderr and "Traceback" not in ended.stderr


# -- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{"MODELD_LISTEN": "tcp://127.0.0.1:0", "MODELD_TRANSPORT": "tcp", "HF_TOKEN": "hf_SECRETSECRET"}],
    ids=["tcp"],
)
def test_no_secret_is_in_an_argument_a_log_an_event_or_an_answer(daemon: RealDaemon, tiny_file: Path):
    secrets = [
        secret_of(daemon.places.server_key_file.read_text()),
        json.loads(daemon.places.connection_file.read_text())["client_secret"],
        "hf_SECRETSECRET",
    ]
    assert all(secrets)
    with Client(daemon.places, timeout_s=DEADLINE_S) as client:
        frames = client.transport.frames()
        client.add("tiny", str(tiny_file))
        client.load("tiny")
        with pytest.raises(ModeldError):
            client.pull("nothing")
        seen = [repr(client.snapshot()), repr(client.status()), repr(client.transport.connection())]
        for topic, body in frames:
            seen.append(body.decode())
            if topic == "daemon.heartbeat":
                break
        frames.close()
        process = psutil.Process(daemon.process.pid)
        seen += [word for each in (process, *process.children(recursive=True)) for word in each.cmdline()]
        worker = process.children()[0]
        assert "hf_SECRETSECRET" not in " ".join(worker.environ().values())
    seen.append(daemon.log())
    assert not [secret for secret in secrets if any(secret in text for text in seen)]

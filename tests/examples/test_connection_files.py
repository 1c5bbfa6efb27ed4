"""The clients made of plain ZeroMQ find the daemon's connection file where the daemon puts it, whatever is set."""

import json
import os
import re
import runpy
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from modeld.places import find
from modeld.protocol.connection import Connection

ROOT = Path(__file__).resolve().parent.parent.parent
UID = 4_000_000_001
"""A user for whom the machine that runs the tests has no ``/run/user/<uid>``."""

Found = dict[str, Any]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path (a socket's path is limited), private to this user."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


@pytest.fixture(params=["MODELD_HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "HOME"])
def announced(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """A daemon's connection file, where the daemon puts it if this variable and HOME are all that is set."""
    for variable in ("MODELD_HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(folder / "home"))
    if request.param != "HOME":
        monkeypatch.setenv(request.param, str(folder))
    if request.param != "XDG_RUNTIME_DIR":  # whose owner is compared with the true user
        monkeypatch.setattr(os, "getuid", lambda: UID)
    file = find().connection_file
    assert file.is_relative_to(folder)
    file.parent.mkdir(parents=True)
    connection = Connection(pid=os.getpid(), version="1", commands="ipc://commands", events="ipc://events")
    file.write_bytes(msgspec.json.encode(connection))
    return connection


def the_page() -> Found:
    """What the example of docs/protocol.md reads before it connects."""
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)\ncommands = ", page, re.DOTALL)
    assert example is not None
    names: dict[str, Any] = {}
    exec(example[1], names)
    return dict(names["found"])


def plain_python() -> Found:
    return dict(runpy.run_path(str(ROOT / "examples" / "python" / "plain.py"))["connection"]())


def node() -> Found:
    module = (ROOT / "examples" / "node" / "modeld.mjs").as_uri()
    script = (
        f"process.getuid = () => {UID};"
        f'const {{ connection }} = await import("{module}");'
        "console.log(JSON.stringify(await connection()));"
    )
    command = ["node", "--input-type=module", "--eval", script]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(ran.stdout))


@pytest.mark.parametrize("client", [the_page, plain_python, node])
def test_a_client_reads_the_connection_file(announced: Connection, client: Callable[[], Found]):
    assert client() == msgspec.to_builtins(announced)


def test_the_page_shows_every_field_of_the_connection_file():
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    [shown] = re.findall(r'^\{.*"commands":"ipc:.*$', page, re.MULTILINE)
    assert tuple(json.loads(shown)) == Connection.__struct_fields__

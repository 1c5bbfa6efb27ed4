"""The daemons of other machines: ``hosts.toml`` lists each one's endpoint, its key, and which of our keys to use."""

import re
import tomllib
from typing import TYPE_CHECKING

import msgspec
from modeld.protocol import keys
from modeld.protocol.errors import ErrorCode

from modelctl.errors import BadRequest, LocalFailure, ModeldError, NotFound
from modelctl.language.catalogue import _

if TYPE_CHECKING:
    from modeld.places import Places
    from modeld.protocol.connection import Connection

_ENDPOINT = re.compile(r"tcp://([\w.-]+|\[[0-9a-fA-F:.]+\]):(?P<port>\d{1,5})")
LAST_PORT = 65534


class Host(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One remote daemon; empty ``events`` means the port after the endpoint's, ``key`` names one of our key files."""

    endpoint: str
    server_key: str
    key: str
    events: str = ""

    def events_endpoint(self) -> str:
        """The endpoint of its events."""
        address, _colon, port = self.endpoint.rpartition(":")
        return self.events or f"{address}:{int(port) + 1}"


def is_endpoint(text: str) -> bool:
    """Whether ``text`` is an address and a port that leaves room for the next port."""
    found = _ENDPOINT.fullmatch(text)
    return found is not None and 0 < int(found["port"]) <= LAST_PORT


def read(places: "Places") -> dict[str, Host]:
    """All hosts by name; raises ``BadRequest`` if the file is invalid."""
    path = places.hosts_file
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), dict[str, Host])
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise wrong(_("{path} cannot be used: {error}.").format(path=path, error=error)) from error
    for name, host in found.items():
        if not (is_endpoint(host.endpoint) and keys.is_key(host.server_key) and keys.NAME.fullmatch(host.key)):
            text = _("{path} cannot be used: endpoint, server_key or key of {name} is wrong.")
            raise wrong(text.format(path=path, name=name))
    return found


def write(places: "Places", hosts: dict[str, Host]) -> None:
    """Write all hosts; names and values need no TOML escapes."""
    parts = []
    for name, host in sorted(hosts.items()):
        values = msgspec.to_builtins(host)
        parts.append(f'["{name}"]\n' + "".join(f'{field} = "{value}"\n' for field, value in values.items()))
    keys.write_private(places.hosts_file, "\n".join(parts))


def connection(places: "Places", name: str) -> "Connection":
    """The connection data of the host with this name; raises ``NotFound`` or ``BadRequest`` if there is none."""
    from modeld.protocol.connection import Connection

    hosts = read(places)
    host = hosts.get(name)
    if host is None:
        known = ", ".join(sorted(hosts)) or _("none yet")
        raise NotFound(
            LocalFailure(
                code=ErrorCode.NOT_FOUND,
                message=_("There is no host {name} in {path} (known: {known}).").format(
                    name=name, path=places.hosts_file, known=known
                ),
                hint=_("Add it with: modelctl hosts add {name} tcp://ADDRESS:PORT SERVERKEY").format(name=name),
            )
        )
    pair = own_pair(places, host.key)
    return Connection(
        pid=0,
        version="",
        commands=host.endpoint,
        events=host.events_endpoint(),
        server_key=host.server_key,
        client_key=pair.public,
        client_secret=pair.secret,
    )


def own_pair(places: "Places", name: str) -> keys.KeyPair:
    """Our key pair with this name; raises ``NotFound`` or ``ModeldError`` if it cannot be used."""
    path = places.client_keys_dir / f"{name}.key"
    try:
        return keys.read_pair(path)
    except FileNotFoundError:
        raise NotFound(
            LocalFailure(
                code=ErrorCode.NOT_FOUND,
                message=_("There is no key {name} (no file {path}).").format(name=name, path=path),
                hint=_("Create it with: modelctl keys create {name}").format(name=name),
            )
        ) from None
    except keys.KeyFileError as error:
        raise ModeldError(error.failure) from error


def wrong(message: str, hint: str = "") -> BadRequest:
    """The error for an invalid value in ``hosts.toml`` or on the command line."""
    return BadRequest(LocalFailure(code=ErrorCode.BAD_REQUEST, message=message, hint=hint))

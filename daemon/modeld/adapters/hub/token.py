"""The user's token for the hub, from the places where the hub's own tools keep it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modeld.protocol.errors import Note
from modeld.protocol.reasons import Reason

log = logging.getLogger(__name__)

VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_TOKEN")


@dataclass(frozen=True)
class Token:
    """A secret and its ``origin``, which says where it was found; the user has no token if both are missing."""

    value: str = ""
    origin: Note | None = None

    def __repr__(self) -> str:
        return f"Token(origin={self.origin.message if self.origin else ''!r})"


def find_token(environment: Mapping[str, str], setting: str = "") -> Token:
    """The token of the environment, else of the ``setting`` hub_token, else of the hub's own token file."""
    for variable in VARIABLES:
        value = environment.get(variable, "").strip()
        if value:
            return Token(value, Reason.TOKEN_IN_VARIABLE.note(name=variable))
    if setting.strip():
        return Token(setting.strip(), Reason.TOKEN_IN_SETTINGS.note(name="hub_token"))
    path = token_file(environment)
    try:
        value = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return Token()
    except (OSError, UnicodeDecodeError) as error:
        log.warning("the hub's token cannot be read from %s: %s", path, error)
        return Token()
    return Token(value, Reason.TOKEN_IN_FILE.note(path=str(path))) if value else Token()


def token_file(environment: Mapping[str, str]) -> Path:
    """Where the hub's tools keep a token after a login."""
    if environment.get("HF_TOKEN_PATH"):
        return Path(environment["HF_TOKEN_PATH"]).expanduser()
    return hub_home(environment) / "token"


def hub_home(environment: Mapping[str, str]) -> Path:
    """The folder of the hub's own tools (their documented variables, in their order)."""
    if environment.get("HF_HOME"):
        return Path(environment["HF_HOME"]).expanduser()
    cache = environment.get("XDG_CACHE_HOME", "") or "~/.cache"
    return Path(cache).expanduser() / "huggingface"
